//! What a search finds, and what it may say when it finds nothing.
//!
//! The hard thing is that a search which leaves something out looks like one that is
//! done. So each program here has its bug where a careless search would not look.

use abi::{Call, Personality};
use pc::Pc;
use pc::plan::{Choice, Chosen, Plan};
use schedules::bounded::{Coverage, Search};
use schedules::{Criteria, Effort, Failure, Outcome, Trials};
use sim::code::{Code, DATA, pair};
use sim::machine::{Machine, Spec, Store};

/// Counted by both, without a lock.
const COUNT: u32 = DATA;
/// How often somebody has come to a barrier.
const BARRIER: u32 = DATA + 4;
/// How many are done.
const DONE: u32 = DATA + 8;
/// What is printed when it goes wrong.
const BUG: &[u8; 4] = b"BUG\n";
const TEXT: u32 = DATA + 12;
/// Where somebody that wants no page receives one.
const NO_PAGE: u32 = 0xffff_ffff;

/// What the pair has at [`DATA`].
fn data() -> Vec<u8> {
    [&[0; 12], &BUG[..]].concat()
}

/// Waits until both have come as often as `round`.
fn barrier(code: Code, round: u8) -> Code {
    let code = code.word(&[0xf0, 0xff, 0x05], BARRIER); // lock inc [BARRIER]
    let start = code.0.len();
    code.word(&[0x83, 0x3d], BARRIER)
        .bytes(&[2 * round]) // cmp [BARRIER], both
        .jump_back(0x72, start) // jb
}

fn count(code: Code) -> Code {
    code.word(&[0xa1], COUNT) // mov eax, [COUNT]
        .bytes(&[0x40]) // inc eax
        .word(&[0xa3], COUNT) // mov [COUNT], eax
}

fn done(code: Code) -> Code {
    code.word(&[0xf0, 0xff, 0x05], DONE) // lock inc [DONE]
}

/// Waits for the other, and prints if not both have counted.
fn judge(code: Code) -> Code {
    let start = code.0.len();
    let code = code
        .word(&[0x83, 0x3d], DONE)
        .bytes(&[2]) // cmp [DONE], 2
        .jump_back(0x72, start); // jb
    let prints = Code::default().call(Call::Cputs, TEXT, BUG.len() as u32);
    code.word(&[0x83, 0x3d], COUNT)
        .bytes(&[2, 0x74, prints.0.len() as u8]) // cmp [COUNT], 2; je
        .bytes(&prints.0)
}

/// Both meet so often, and then count.
fn counters(rounds: u8, count: fn(Code) -> Code) -> Vec<u8> {
    let met = || (1..=rounds).fold(Code::default(), barrier);
    let parent = judge(done(count(met())));
    pair(parent, done(count(met())), &data())
}

fn safely(code: Code) -> Code {
    code.word(&[0xf0, 0xff, 0x05], COUNT) // lock inc [COUNT]
}

/// What a run is judged by.
fn criteria(line: &dyn Fn(&str) -> bool) -> Criteria<'_> {
    Criteria {
        line,
        prints: &[],
        hang: true,
        audit: false,
        most: 200_000,
    }
}

/// What is spent on a shorter schedule.
fn effort(is_over: &mut dyn FnMut() -> bool) -> Effort<'_> {
    Effort {
        runs: 100,
        states: 10_000,
        is_over,
    }
}

fn is_bug(line: &str) -> bool {
    line == "BUG"
}

/// Does something with trials of a program.
fn with_trials<R>(
    file: &[u8],
    cpus: u8,
    buffers: bool,
    work: impl FnOnce(&mut Trials<'_>) -> R,
) -> R {
    let spec = Spec {
        cpus,
        quantum: 0,
        ..Spec::default()
    };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    let made = machine.boot_image(file, &[], Personality::Lab4);
    made.expect("the image loads");
    let plan = Plan::Chosen(Chosen::new(&[]));
    work(&mut Trials::new(Pc::with_plan(machine, plan, buffers)))
}

/// What a whole search with at most `bound` pre-emptions comes to.
fn search(file: &[u8], bound: u32, buffers: bool) -> (Option<Outcome>, Coverage) {
    with_trials(file, 2, buffers, |trials| {
        let criteria = criteria(&is_bug);
        let mut search = Search::new(&criteria, bound);
        let found = search.run(trials, |_| true);
        (found, search.coverage)
    })
}

#[test]
fn a_bug_needs_as_many_pre_emptions_as_it_needs() {
    let (found, coverage) = search(&counters(0, count), 0, false);
    assert_eq!(found.map(|found| found.choices), None);
    assert_eq!((coverage.complete, coverage.given_up), (Some(0), 0));
    let (found, coverage) = search(&counters(0, count), 2, false);
    let found = found.expect("it counts without a lock");
    assert_eq!(found.failure, Some(Failure::Line("BUG".to_owned())));
    assert_eq!((found.choices.len(), coverage.complete), (1, Some(0)));
}

/// A loop that waits comes to the same state again and again, and only its patience
/// gets it out; a search that forgets it thinks that it has been everywhere.
#[test]
fn waiting_loops_do_not_hide_what_comes_after_them() {
    for rounds in 1..=3 {
        let (found, _) = search(&counters(rounds, count), 2, false);
        let failure = found.and_then(|found| found.failure);
        assert_eq!(failure, Some(Failure::Line("BUG".to_owned())), "{rounds}");
    }
    let (found, coverage) = search(&counters(2, safely), 1, false);
    assert_eq!(found.and_then(|found| found.failure), None);
    assert_eq!((coverage.complete, coverage.given_up), (Some(1), 0));
    // When a loop was left makes no difference later.
    assert!(coverage.states < 30_000, "{coverage:?}");
}

/// A loop that yields would go on for a thousand instructions if a yield meant nothing,
/// as the one does in which the parent waits at the end.
#[test]
fn a_yield_lets_the_others_on() {
    let waits = |code: Code| {
        let code = code.word(&[0xf0, 0xff, 0x05], BARRIER);
        let start = code.0.len();
        code.call(Call::Yield, 0, 0)
            .word(&[0x83, 0x3d], BARRIER)
            .bytes(&[2])
            .jump_back(0x72, start)
    };
    let file = pair(
        judge(done(count(waits(Code::default())))),
        done(count(waits(Code::default()))),
        &data(),
    );
    let (found, _) = search(&file, 2, false);
    assert_eq!(found.map(|found| found.choices.len()), Some(1));
    let positions = with_trials(&file, 2, false, |trials| {
        trials.run(&[], &criteria(&is_bug)).positions
    });
    assert!(positions < 1500, "{positions}");
}

/// Each writes one word and reads the other's: both can read nothing only if stores
/// are late.
#[test]
fn late_stores_are_decisions() {
    let [mine, yours] = [DATA + 16, DATA + 20];
    let side = |mine: u32, yours: u32| {
        let code = Code::default()
            .word(&[0xc7, 0x05], mine)
            .bytes(&[1, 0, 0, 0]) // mov [mine], 1
            .word(&[0x83, 0x3d], yours)
            .bytes(&[0, 0x75, 7]) // cmp [yours], 0; jne, past the next
            .word(&[0xf0, 0xff, 0x05], COUNT);
        done(code)
    };
    let start = judge(side(mine, yours)).0.len();
    let mut parent = judge(side(mine, yours));
    // Wrong is that both counted.
    parent.0[start - Code::default().call(Call::Cputs, 0, 0).0.len() - 2] = 0x75;
    let file = pair(parent, side(yours, mine), &[data(), vec![0; 8]].concat());
    let (found, coverage) = search(&file, 2, false);
    assert_eq!(found.and_then(|found| found.failure), None);
    assert_eq!(coverage.complete, Some(2));
    let (found, _) = search(&file, 2, true);
    let failure = found.and_then(|found| found.failure);
    assert_eq!(failure, Some(Failure::Line("BUG".to_owned())));
}

#[test]
fn a_search_that_is_stopped_claims_what_it_has_covered() {
    let coverage = with_trials(&counters(0, safely), 2, false, |trials| {
        let criteria = criteria(&is_bug);
        let mut all = Search::new(&criteria, 2);
        assert!(all.run(trials, |_| true).is_none());
        let mut search = Search::new(&criteria, 2);
        let stops = |coverage: &Coverage| coverage.complete.is_none();
        assert!(search.run(trials, stops).is_none());
        assert!(search.coverage.states < all.coverage.states);
        search.coverage
    });
    assert_eq!(coverage.complete, Some(0));
}

/// A run that is given up ends the line that it has begun.
#[test]
fn a_line_without_an_end_is_judged() {
    let prints = Code::default()
        .call(Call::Cputs, DATA, 1)
        .call(Call::Cputs, DATA + 1, 2);
    let end = prints.0.len();
    let file = prints.jump_back(0xeb, end).file(b"BUG");
    let outcome = with_trials(&file, 1, false, |trials| {
        trials.run(&[], &criteria(&is_bug))
    });
    assert_eq!(outcome.failure, Some(Failure::Line("BUG".to_owned())));
}

/// Random schedules have choices that do not matter, and even those that matter need
/// not be the fewest.
#[test]
fn what_is_found_at_random_becomes_as_short_as_can_be() {
    let short = with_trials(&counters(1, count), 2, false, |trials| {
        let criteria = criteria(&is_bug);
        let decisions = trials.run(&[], &criteria).decisions;
        let mut runs = (0..500).map(|seed| trials.run_at_random(seed, decisions, &criteria));
        let found = runs.find(|found| found.failure.is_some() && found.choices.len() > 1);
        let found = found.expect("one of five hundred");
        trials.shorten(found, &criteria, effort(&mut || false))
    });
    assert_eq!(short.choices.len(), 1);
    assert_eq!(short.failure, Some(Failure::Line("BUG".to_owned())));
}

/// Where the time is over, what was found is what there is, and the machine shows it.
#[test]
fn shortening_ends_when_it_is_told_to() {
    let choices = |runs: u32| {
        with_trials(&counters(1, count), 2, false, |trials| {
            let criteria = criteria(&is_bug);
            let decisions = trials.run(&[], &criteria).decisions;
            let mut all = (0..500).map(|seed| trials.run_at_random(seed, decisions, &criteria));
            let found = all.find(|found| found.failure.is_some() && found.choices.len() > 1);
            let found = found.expect("one of five hundred");
            let (long, before) = (found.choices.len(), trials.runs);
            let mut asked = 0;
            let mut is_over = || {
                asked += 1;
                asked > runs
            };
            let short = trials.shorten(found, &criteria, effort(&mut is_over));
            assert_eq!(short.failure, Some(Failure::Line("BUG".to_owned())));
            // The search counts two before it asks, and the machine shows the last.
            assert!(trials.runs - before <= u64::from(runs) + 3);
            (long, short.choices.len())
        })
    };
    let (long, short) = choices(0);
    assert_eq!(short, long);
    let (long, short) = choices(4);
    assert!(1 < short && short < long, "{short} of {long}");
}

#[test]
fn nobody_wakes_a_sleeper() {
    let sleeps = Code::default().call(Call::IpcRecv, NO_PAGE, 0);
    let file = sleeps.file(&[0]);
    for hang in [false, true] {
        let criteria = Criteria {
            hang,
            ..criteria(&is_bug)
        };
        let outcome = with_trials(&file, 1, false, |trials| trials.run(&[], &criteria));
        assert_eq!(outcome.failure, hang.then_some(Failure::Asleep));
    }
}

/// Whichever line comes first, the machine ends up in the same state. Only one order is right.
#[test]
fn lines_come_one_after_the_other() {
    let prints = |at: u32| barrier(Code::default().call(Call::Cputs, at, 2), 1);
    let data = [&[0; 12], &b"q\nj\n"[..]].concat();
    let file = pair(prints(TEXT), prints(TEXT + 2), &data);
    let wanted = ["q", "j"].map(str::to_owned);
    let criteria = Criteria {
        prints: &wanted,
        ..criteria(&is_bug)
    };
    let short = with_trials(&file, 2, false, |trials| {
        assert_eq!(trials.run(&[], &criteria).failure, None);
        let mut search = Search::new(&criteria, 2);
        let found = search.run(trials, |_| true);
        let found = found.expect("the other order");
        trials.shorten(found, &criteria, effort(&mut || false))
    });
    let missing = Failure::Missing {
        text: "j".to_owned(),
        after: Some("q".to_owned()),
    };
    assert_eq!((short.failure, short.choices.len()), (Some(missing), 1));
}

/// One line does not count twice, and what is missing first is what is said.
#[test]
fn what_is_not_printed_is_missed() {
    let file = Code::default().call(Call::Cputs, DATA, 2).file(b"q\n");
    let missing = |wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let criteria = Criteria {
            prints: &wanted,
            hang: false,
            ..criteria(&is_bug)
        };
        let outcome = with_trials(&file, 1, false, |trials| trials.run(&[], &criteria));
        outcome.failure.map(|failure| failure.to_string())
    };
    assert_eq!(missing(&["q"]), None);
    let twice = "it does not print \"q\" after \"q\"";
    assert_eq!(missing(&["q", "q"]).as_deref(), Some(twice));
    let first = "it does not print \"j\"";
    assert_eq!(missing(&["j", "q"]).as_deref(), Some(first));
}

/// A choice that is not possible is none.
#[test]
fn impossible_choices_change_nothing() {
    let file = counters(0, safely);
    let nonsense = [
        (0, Choice::Switch(kcore::CpuId(7))),
        (1, Choice::Drain(kcore::CpuId(0))),
        (2, Choice::Ring(kcore::CpuId(1))),
    ];
    let [with, without] = [&nonsense[..], &[]].map(|choices| {
        with_trials(&file, 2, false, |trials| {
            let outcome = trials.run(choices, &criteria(&is_bug));
            (outcome.positions, outcome.failure)
        })
    });
    assert_eq!(with, without);
}
