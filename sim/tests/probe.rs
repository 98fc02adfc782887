//! A program can find out which kernel it is on without harm, whether that is ours,
//! in any personality, or one that a student wrote.

use abi::call::FEATURES;
use abi::layout::UTOP;
use abi::probe::{Found, find};
use abi::{Call, Error, Personality};
use kcore::CpuId;
use sim::machine::call::set_call;
use sim::machine::{Machine, Spec, Store};

const CPU0: CpuId = CpuId(0);

/// A kernel that answers as JOS's hand-outs ask, and no better: it marks the caller
/// as receiving before it looks at the address, and checks a page before the id of
/// its receiver.
#[derive(Default)]
struct Jos {
    lab5: bool,
    /// The value that `yield` leaves in eax.
    yielded: i32,
    /// The caller is marked as receiving.
    receiving: bool,
    /// How often it refused a call because of its arguments.
    mistaken: u32,
}

impl Jos {
    fn call(&mut self, number: u32, [a1, _, a3, a4]: [u32; 4]) -> i32 {
        // From 9 on lab 5's numbers are one higher.
        let in_lab4 = number - u32::from(self.lab5 && number > 9);
        match in_lab4 {
            10 => self.yielded,
            11 if a3 < UTOP && (a3 % 4096 != 0 || a4 & 5 != 5) => self.mistake(),
            11 if a1 != 0 && a1 < 0x1000 => -(Error::BadEnv as i32),
            11 => -(Error::IpcNotRecv as i32),
            12 => {
                self.receiving = true;
                match a1 < UTOP && a1 % 4096 != 0 {
                    true => self.mistake(),
                    false => 0,
                }
            }
            0..=9 => panic!("no probe: {number}"),
            _ => -(Error::Inval as i32),
        }
    }

    fn mistake(&mut self) -> i32 {
        self.mistaken += 1;
        -(Error::Inval as i32)
    }
}

#[test]
fn a_students_kernel_is_recognised_and_left_alone() {
    for (lab5, yielded) in [(false, 0), (true, 0), (true, 11)] {
        let mut kernel = Jos {
            lab5,
            yielded,
            ..Jos::default()
        };
        let found = find(|number, arguments| kernel.call(number, arguments));
        let expected = Found {
            later: lab5,
            features: 0,
        };
        assert_eq!(found, expected);
        assert!(!kernel.receiving, "nobody waits for a message");
        assert_eq!(kernel.mistaken, 0);
    }
}

#[test]
fn our_kernel_is_recognised_in_every_personality() {
    for personality in Personality::ALL {
        let spec = Spec::default();
        let mut store = Store::new(&spec);
        let mut machine = Machine::new(&mut store, spec);
        let id = machine.boot(0x80_0020, personality);
        machine.calm_down();
        let found = find(|number, [a1, a2, a3, a4]| {
            set_call(
                &mut machine.cpu_mut(CPU0).frame,
                number,
                [a1, a2, a3, a4, 0],
            );
            machine.run_event(CPU0, kcore::Event::Syscall);
            machine.cpu(CPU0).frame.regs.eax.cast_signed()
        });
        let later = personality.number(Call::Yield) == Some(11);
        assert_eq!(
            found,
            Found {
                later,
                features: FEATURES
            }
        );
        // The program runs on, and gets no message that it did not ask for.
        assert_eq!(machine.env_on(CPU0), Some(id));
        let send = personality.number(Call::IpcTrySend).expect("a call");
        let to_itself = [id.0 as u32, 0, UTOP, 0, 0];
        machine.call_number(CPU0, personality, send, to_itself);
        let value = machine.cpu(CPU0).frame.regs.eax.wrapping_neg();
        assert_eq!(value, personality.error_value(Error::IpcNotRecv));
        assert_eq!(machine.check(), Ok(()));
    }
}
