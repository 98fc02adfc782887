//! Forwards and backwards come to the same places.
//!
//! The hard thing is to be sure of it where CPUs interleave, so every stop of a run is
//! visited in both directions. The programs are a few instructions, written by hand:
//! no guest has to be built.

use abi::layout::UENVS;
use abi::{Call, Personality};
use firmware::options::BootOptions;
use kcore::CpuId;
use pc::boot::{Module, Setup};
use pc::typing::Typing;
use pc::{Config, Pace};
use sim::image::{Segment, elf};
use sim::machine::Store;

use super::session::{Session, Start};
use super::stops::{Hit, Watch, Watched};
use super::travel::{Goal, Stop};

/// Where the programs are loaded, and where they have their data.
const CODE: u32 = 0x80_0000;
const DATA: u32 = 0x80_1000;
/// Where `inc dword [DATA + 4]` and the call after it are.
const COUNTS: u32 = CODE + 5;
/// Where the call returns to.
const RETURNED: u32 = CODE + 33;

/// Counts in memory and prints a letter, eight times; then ends.
fn counter(letter: u8) -> Vec<u8> {
    let number = |call| Personality::Lab4.number(call).expect("lab 4 has it");
    let mut code = Vec::new();
    let mut word = |opcode: &[u8], word: u32| {
        code.extend_from_slice(opcode);
        code.extend_from_slice(&word.to_le_bytes());
    };
    word(&[0xbe], 8); // mov esi, 8
    word(&[0xff, 0x05], DATA + 4); // inc dword [DATA + 4]
    word(&[0xa1], UENVS); // mov eax, [UENVS], which others use too
    word(&[0xba], DATA); // mov edx, DATA
    word(&[0xb9], 1); // mov ecx, 1
    word(&[0xb8], number(Call::Cputs)); // mov eax, cputs
    code.extend([0xcd, 0x30]); // int 0x30
    assert_eq!(CODE + code.len() as u32, RETURNED);
    code.extend([0x4e, 0x75, 0xe1]); // dec esi; jnz to the inc
    for (opcode, word) in [(0xba, 0), (0xb8, number(Call::EnvDestroy))] {
        code.push(opcode);
        code.extend_from_slice(&u32::to_le_bytes(word));
    }
    code.extend([0xcd, 0x30]);
    let segment = |va, bytes: Vec<u8>| Segment {
        va,
        mem_size: 64,
        bytes,
    };
    let mut data = vec![0; 64];
    data[0] = letter;
    elf(CODE, &[segment(CODE, code), segment(DATA, data)])
}

fn setup() -> Setup {
    let module = |letter: u8| Module {
        string: b"/counter".to_vec(),
        file: counter(letter),
    };
    Setup {
        cpus: 2,
        memory_mib: 8,
        options: BootOptions::parse(b"/", |_| ()),
        modules: vec![module(b'a'), module(b'b'), module(b'c')],
        trace: true,
        timers_by_plan: false,
    }
}

/// Does something with a session on each kind of machine.
fn sessions(mut each: impl FnMut(&mut Session<'_>)) {
    for (pace, store_buffers) in [
        (Pace::Fair, false),
        (Pace::Hostile, false),
        (Pace::Hostile, true),
    ] {
        let config = Config {
            seed: 3,
            pace,
            store_buffers,
        };
        let setup = setup();
        let mut store = Store::new(&setup.spec());
        let mut session = Session::new(&mut store, &setup, start(config));
        each(&mut session);
    }
}

fn start(config: Config) -> Start {
    Start {
        plan: config.plan(),
        store_buffers: config.store_buffers,
        disk: None,
        typing: Typing::default(),
    }
}

fn never() -> impl FnMut() -> bool {
    || false
}

/// Watches the counter of the environment on the CPU in focus.
fn watch_counter(session: &mut Session<'_>) -> Watch {
    watch(session, DATA + 4, 4, Watched::Change)
}

/// Watches memory of the environment on the CPU in focus.
fn watch(session: &mut Session<'_>, va: u32, len: u32, kind: Watched) -> Watch {
    let env = session.pc.machine.env_on(session.focus).expect("it runs");
    let watch = Watch { env, va, len, kind };
    session.stops.watches.push(watch);
    watch
}

/// Where each stop on the way begins.
fn stops_ahead(session: &mut Session<'_>) -> Vec<(u64, Hit)> {
    let mut stops = Vec::new();
    loop {
        match session.ahead(Goal::Nowhere, &mut never()) {
            Stop::Hit(hit @ Hit::Break(_)) => stops.push((session.position(), hit)),
            Stop::Hit(hit @ Hit::Watch(_)) => stops.push((session.position() - 1, hit)),
            other => {
                assert_eq!(other, Stop::End);
                return stops;
            }
        }
    }
}

#[test]
fn every_stop_is_found_in_both_directions() {
    sessions(|session| {
        session.stops.breakpoints.extend([RETURNED, COUNTS + 6]);
        let watch = watch_counter(session);
        let ahead = stops_ahead(session);
        let breaks = |address| {
            let is_it = |(_, hit): &&(u64, Hit)| *hit == Hit::Break(address);
            ahead.iter().filter(is_it).count()
        };
        // Three programs, eight times each.
        assert_eq!((breaks(RETURNED), breaks(COUNTS + 6)), (24, 24));
        // Eight times, and the end of the environment takes the page away.
        let watched = ahead.iter().filter(|(_, hit)| *hit == Hit::Watch(watch));
        assert_eq!(watched.count(), 9);
        assert_eq!(ahead, stops_behind(session));
        assert_eq!(session.position(), session.history.start());
    });
}

/// The same stops on the way back from the end, in the order of positions.
fn stops_behind(session: &mut Session<'_>) -> Vec<(u64, Hit)> {
    let mut stops = Vec::new();
    loop {
        match session.behind(Goal::Nowhere, &mut never()) {
            Stop::Hit(hit) => stops.push((session.position(), hit)),
            other => {
                assert_eq!(other, Stop::Beginning);
                stops.reverse();
                return stops;
            }
        }
    }
}

#[test]
fn whoever_reads_is_found_in_both_directions() {
    sessions(|session| {
        // The letter is read by the kernel, when it prints it, and by nobody else; the
        // counter by the instruction that adds to it. Both pages are taken away in the end.
        for (va, len, kind, wanted) in [
            (DATA, 1, Watched::Read, 8),
            (DATA, 1, Watched::Access, 9),
            (DATA, 1, Watched::Change, 1),
            (DATA + 4, 4, Watched::Read, 8),
            (DATA + 6, 1, Watched::Read, 8),
            (DATA + 4, 4, Watched::Access, 9),
            (DATA + 8, 4, Watched::Access, 1),
            // Code is executed, not read.
            (COUNTS, 4, Watched::Read, 0),
        ] {
            session.stops.watches.clear();
            let watch = watch(session, va, len, kind);
            let ahead = stops_ahead(session);
            assert!(ahead.iter().all(|(_, hit)| *hit == Hit::Watch(watch)));
            assert_eq!(ahead.len(), wanted, "{watch:?}");
            assert_eq!(ahead, stops_behind(session));
        }
    });
}

#[test]
fn a_watch_changes_nothing_in_the_run() {
    sessions(|session| {
        let digest_at_end = |session: &mut Session<'_>| {
            while session.ahead(Goal::Nowhere, &mut never()) != Stop::End {}
            (session.position(), session.pc.digest())
        };
        let unwatched = digest_at_end(session);
        session.go_to(0);
        watch(session, DATA, 8, Watched::Access);
        // As if nobody had been there before.
        session.was_changed();
        assert_eq!(digest_at_end(session), unwatched);
    });
}

#[test]
fn a_step_back_undoes_a_step() {
    sessions(|session| {
        session.go_to(session.history.start() + 30);
        for cpu in [CpuId(0), CpuId(1)] {
            let mut stood = vec![session.position()];
            for _ in 0..100 {
                if session.ahead(Goal::Instruction(cpu), &mut never()) != Stop::There {
                    break;
                }
                assert!(session.pc.is_in_ring3(cpu));
                stood.push(session.position());
            }
            assert!(stood.len() > 20);
            // Others move meanwhile, so it is not the position where the step began; it
            // is where its instruction is executed next.
            for pair in stood.windows(2) {
                session.go_to(pair[1]);
                let back = session.behind(Goal::Instruction(cpu), &mut never());
                assert_eq!(back, Stop::There);
                assert!((pair[0]..pair[1]).contains(&session.position()));
                let again = session.ahead(Goal::Instruction(cpu), &mut never());
                assert_eq!((again, session.position()), (Stop::There, pair[1]));
            }
            session.go_to(stood[0]);
        }
    });
}

#[test]
fn the_console_is_known_at_every_position() {
    sessions(|session| {
        // In one go, so that pieces of the console come at once.
        assert_eq!(session.ahead(Goal::Nowhere, &mut never()), Stop::End);
        let end = session.position();
        let all = session.news();
        assert_eq!(session.output(), all);
        session.go_to(0);
        let mut last = session.output();
        let mut growths = 0;
        while session.position() < end {
            session.forward(1);
            let now = session.output();
            assert!(all.starts_with(&now) && now.starts_with(&last));
            growths += usize::from(now != last);
            last = now;
        }
        assert_eq!(last, all);
        assert!(growths > 5, "{growths}");
        assert_eq!(session.news(), b"");
    });
}

#[test]
fn a_change_makes_another_run_until_they_go_back_before_it() {
    sessions(|session| {
        session.stops.breakpoints.insert(RETURNED);
        session.ahead(Goal::Nowhere, &mut never());
        let (here, cpu) = (session.position(), session.focus);
        session.stops.breakpoints.clear();
        assert!(session.write(cpu, DATA, b"#"));
        assert!(!session.write(cpu, 0x70_0000, b"#"));
        let mark = |session: &mut Session<'_>| session.output().contains(&b'#');
        assert_eq!(session.ahead(Goal::Nowhere, &mut never()), Stop::End);
        assert!(mark(session));
        // A search backwards finds what is after the change without undoing it.
        session.stops.breakpoints.insert(RETURNED);
        let found = session.behind(Goal::Nowhere, &mut never());
        assert_eq!(found, Stop::Hit(Hit::Break(RETURNED)));
        assert!(session.position() > here);
        assert_eq!(session.history.changed(), Some(here));
        session.go_to(here - 1);
        session.stops.breakpoints.clear();
        session.ahead(Goal::Nowhere, &mut never());
        assert!(!mark(session));
    });
}

#[test]
fn a_search_can_be_interrupted() {
    sessions(|session| {
        session.stops.breakpoints.insert(0x1234);
        assert_eq!(session.ahead(Goal::Nowhere, &mut never()), Stop::End);
        let end = session.position();
        let stop = session.behind(Goal::Nowhere, &mut || true);
        assert_eq!(stop, Stop::Interrupted);
        assert!(session.position() < end);
    });
}
