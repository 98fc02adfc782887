//! The interpreter as a machine of `drill`.

use super::{Machine, processor};
use drill::case::{Case, State};
use drill::layout::{ARENA, CODE, CONTROL, EXIT_POINTER, PAGES};
use ring3::flags::Flags;
use ring3::{Cache, Trap};

/// A case jumps here when it is done.
const EXIT: u32 = CONTROL + 8;
/// `int 0x30`.
const LEAVE: [u8; 2] = [0xcd, 0x30];
/// No case needs as many instructions.
const MANY: u64 = 10_000;

/// The interpreter with its machine.
pub struct Interpreter {
    machine: Machine,
    cache: Cache,
    /// How many instructions it is asked to execute at a time.
    pub step: u64,
}

impl Interpreter {
    /// One that executes `step` instructions at a time.
    pub fn new(step: u64) -> Interpreter {
        let mut machine = Machine::default();
        PAGES.into_iter().for_each(|va| machine.map(va, true));
        machine.store(EXIT_POINTER, &EXIT.to_le_bytes());
        machine.store(EXIT, &LEAVE);
        Interpreter {
            machine,
            cache: Cache::default(),
            step,
        }
    }
}

impl drill::Machine for Interpreter {
    fn run(&mut self, case: &mut Case) -> State {
        self.machine.store(CODE, case.code.bytes());
        self.machine.store(ARENA, &case.memory);
        let mut processor = processor();
        processor.registers.general = case.state.general;
        processor.registers.eip = CODE;
        processor.registers.flags = Flags::from_bits(case.state.flags);
        let mut executed = 0;
        let trap = loop {
            let (done, trap) = processor.run(&mut self.cache, &mut self.machine, self.step);
            executed += done;
            match trap {
                Some(trap) => break trap,
                None => assert!(executed < MANY, "{:x?} is endless", case.code.bytes()),
            }
        };
        let registers = &processor.registers;
        let out = (trap, registers.eip);
        let exit = (Trap::Interrupt { vector: 0x30 }, EXIT + LEAVE.len() as u32);
        assert!(
            out == exit,
            "{:02x?} from {:x?} ended by {out:x?}",
            case.code.bytes(),
            case.state,
        );
        case.memory
            .copy_from_slice(self.machine.bytes(ARENA, drill::layout::ARENA_SIZE));
        State {
            general: registers.general,
            flags: registers.flags.bits(),
        }
    }
}
