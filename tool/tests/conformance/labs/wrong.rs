//! Folders with mistakes that a student could make: they fail, and it is said how, as shortly
//! as can be.
//!
//! The hard thing is a mistake that shows seldom. What is said of it must still be the same
//! each time, so the number of the schedule is compared, too.

mod in_c;

use std::fs;
use std::path::Path;

use jostle::labs::language::Language;
use libtest_mimic::Failed;

use super::{begin, jostle, solve, tool};
use crate::command_line::status_is;
use crate::scratch::Scratch;
use crate::trial::Trial;

/// An exercise that is done but for one mistake.
struct Mistake {
    lab: &'static str,
    exercise: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    /// How these lines of what is said begin, in this order.
    said: &'static [&'static str],
}

const MISTAKES: [(&str, Mistake); 5] = [
    (
        "bad_code_fails",
        Mistake {
            lab: "c",
            exercise: "quantum",
            file: "kcore/src/sched/switch.rs",
            right: "let quantum = self.config.quantum;",
            wrong: "let quantum = ;",
            said: &[
                "  the tests of the copy could not be built",
                "together           0 of 15 points",
            ],
        },
    ),
    (
        "a_call_without_an_end_is_stopped",
        Mistake {
            lab: "c",
            exercise: "quantum",
            file: "kcore/src/sched/switch.rs",
            right: "let quantum = self.config.quantum;",
            wrong: "let quantum = self.config.quantum; loop {}",
            said: &[
                "  quantum::a_timer_that_is_a_little_fast_counts: it does not end",
                "together           0 of 15 points",
            ],
        },
    ),
    (
        "random_calls_are_told",
        Mistake {
            lab: "core",
            exercise: "page_copy",
            file: "kcore/src/syscall/page.rs",
            right: "if in_place && self.frames.count(frame) == 1 {",
            wrong: "if in_place {",
            said: &[
                "  page_copy::random_calls_do_what_they_must: the shortest way",
                "    1000 on CPU 0: cputs(0xee801000, 0x51) does not return yet",
                "    1001 on CPU 0: page_map(0x0, 0xeebfd000, 0x0, 0x801000, 0x7) returns 0x0",
                "    1001 on CPU 0: page_copy(0x0, 0xeebfd000, 0x0, 0xeebfd007) returns 0x0",
                "    what programs can see is not right: two pages in one frame",
            ],
        },
    ),
    (
        "what_the_parent_writes_is_looked_at",
        Mistake {
            lab: "b",
            exercise: "copy_on_write",
            file: "user/src/copy_on_write.rs",
            right: "if vm::perm(va).is_some_and(",
            wrong: "if false && vm::perm(va).is_some_and(",
            said: &[
                "  labfork: schedule 1 of 50 fails: it does not print \"child: nothing has changed\"",
                "  it needs no luck and no second CPU. On one CPU:",
                "    CPU 0 runs environment 1001 until its env_destroy, and ends",
            ],
        },
    ),
    (
        "the_shortest_schedule_is_told",
        Mistake {
            lab: "c",
            exercise: "ipc_send",
            file: "user/src/ipc.rs",
            right: "    loop {\n        // SAFETY: the caller's.\n        match unsafe \
                { sys::ipc_try_send_page(env, value, va, perm) } {\n            \
                Err(Error::IpcNotRecv) => sys::yield_now(),\n            \
                result => return result,\n        }\n    }\n",
            wrong: "    for _ in 0..3 {\n        // SAFETY: the caller's.\n        match unsafe \
                { sys::ipc_try_send_page(env, value, va, perm) } {\n            \
                Err(Error::IpcNotRecv) => sys::yield_now(),\n            \
                result => return result,\n        }\n    }\n    Ok(())\n",
            said: &[
                "  sendpage: schedule 43 of 50 fails: somebody sleeps for ever",
                "  the shortest way to fail that was found; by itself the machine does 1 thing",
                "    CPU 1 runs environment 1000 until its yield",
                "    here CPU 1 goes on, though it would be left: it runs environment 1000",
                "    CPU 0 runs environment 1001 until its ipc_recv, and waits",
                "    CPU 1 runs environment 1000 until its ipc_recv, and waits",
                "  from its end backwards: ",
            ],
        },
    ),
];

pub fn trials() -> impl Iterator<Item = Trial> {
    MISTAKES
        .into_iter()
        .chain(in_c::MISTAKES)
        .map(|(name, mistake)| Trial::test(format!("labs::{name}"), move || fails(&mistake)))
}

fn fails(mistake: &Mistake) -> Result<(), Failed> {
    let Mistake { lab, exercise, .. } = mistake;
    let scratch = Scratch::new(&format!("lab-wrong-{lab}-{exercise}"))?;
    let language = match mistake.file.starts_with("c/") {
        true => Language::C,
        false => Language::Rust,
    };
    let (path, files) = begin(&scratch, lab, language)?;
    solve(&path, &files)?;
    let file = Path::new(&path).join(mistake.file);
    let right = fs::read_to_string(&file)?;
    // A sender need not know of the extension that its quick way is.
    let right = right.replace("if Interface::get().has_ipc_send()", "if false");
    let wrong = right.replace(mistake.right, mistake.wrong);
    if wrong == right {
        return Err(format!("{}: no {:?}", mistake.file, mistake.right).into());
    }
    fs::write(&file, wrong)?;
    let output = jostle(&["check", &path, exercise])?;
    status_is(1, &output)?;
    let said = String::from_utf8(output.stdout)?;
    let mut lines = said.lines();
    for wanted in mistake.said {
        let found = lines.find(|line| line.starts_with(wanted));
        let Some(found) = found else {
            return Err(format!("no {wanted:?} there in\n{said}").into());
        };
        if let Some((_, opened)) = found.split_once(" debug ") {
            opens(opened)?;
        }
    }
    Ok(())
}

/// The command at the end leads to the end of that run.
fn opens(words: &str) -> Result<(), Failed> {
    let words: Vec<&str> = words.split(' ').collect();
    let output = tool(&[&["debug"], &words[..], &["-x", "output; back 1; env"]].concat())?;
    status_is(0, &output)?;
    let said = String::from_utf8(output.stdout)?;
    match said.contains("No runnable environments") && said.contains("waits: Message") {
        true => Ok(()),
        false => Err(said.into()),
    }
}
