//! Who waits for whom when nothing runs any more.
//!
//! The hard thing is what is a mistake: a server that waits for requests is none, a
//! circle of environments that wait for each other always is.

use abi::EnvId;
use kcore::Slot;
use kcore::env::{Env, Wait};
use pc::Pc;

use super::calls::{callers, shown, word};
use crate::debug::programs::Programs;

/// An environment that is left over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its id.
    pub env: EnvId,
    /// Its program.
    pub program: Option<String>,
    /// What it waits for, in words.
    pub why: String,
    /// Whom it waits for, if it is one.
    pub whom: Option<EnvId>,
    /// Where, in its program.
    pub place: Option<String>,
}

/// All that are left, by id.
pub fn all(pc: &Pc<'_>, programs: &Programs) -> Vec<Stuck> {
    let envs = pc.machine.kernel.envs();
    let alive = envs.used().filter(|&slot| envs[slot].alive);
    let mut all: Vec<Stuck> = alive.map(|slot| one(pc, programs, &envs[slot])).collect();
    all.sort_by_key(|one| one.env);
    all
}

/// The environments that wait for each other in a circle, if there is one.
pub fn circle(all: &[Stuck]) -> Option<Vec<EnvId>> {
    let next = |env: EnvId| all.iter().find(|one| one.env == env)?.whom;
    for start in all {
        let mut way = vec![start.env];
        while let Some(env) = next(*way.last()?) {
            if env == start.env {
                return Some(way);
            }
            if way.contains(&env) {
                break;
            }
            way.push(env);
        }
    }
    None
}

fn one(pc: &Pc<'_>, programs: &Programs, env: &Env) -> Stuck {
    let (why, whom) = why(pc, env);
    let names = programs.names(pc, env.id);
    let word = |va: u32| word(pc, env, va);
    let lines = names.map_or(Vec::new(), |names| callers(names, &env.frame, word));
    let lines = shown(lines);
    // The library's own functions say less than who called them.
    let own = lines.iter().find(|line| !is_library(line));
    Stuck {
        env: env.id,
        program: programs.name(pc, env.id),
        why,
        whom,
        place: own.or(lines.first()).cloned(),
    }
}

/// Whether a line is about code of the library.
fn is_library(line: &str) -> bool {
    line.starts_with("user/src/") || line.starts_with("library/")
}

fn why(pc: &Pc<'_>, env: &Env) -> (String, Option<EnvId>) {
    let id = |slot: Slot| pc.machine.kernel.envs()[slot].id;
    let of = |what: &str, slot: Slot| {
        let id = id(slot);
        (format!("{what} [{id}]"), Some(id))
    };
    match env.wait {
        _ if !env.runnable && !env.started => ("was made, and never started".into(), None),
        _ if !env.runnable => ("was stopped, and nobody started it again".into(), None),
        Wait::Nothing => ("waits for nothing".into(), None),
        Wait::Console => ("waits for the console".into(), None),
        Wait::Input => ("waits for somebody to type".into(), None),
        Wait::Message => ("waits for a message from anybody".into(), None),
        Wait::Request => ("waits for a request from anybody".into(), None),
        Wait::Receiver(slot) => of("waits to send to", slot),
        Wait::Server(slot) => of("waits to call", slot),
        Wait::Reply(slot) => of("waits for a reply from", slot),
        Wait::MessageOf(slot) => of("waits for a message from", slot),
        Wait::Alarm => ("sleeps".into(), None),
        Wait::Word(_) => (
            format!("waits for the word at {:#010x} to be woken", env.letter.va),
            None,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(env: i32, whom: Option<i32>) -> Stuck {
        Stuck {
            env: EnvId(env),
            program: None,
            why: String::new(),
            whom: whom.map(EnvId),
            place: None,
        }
    }

    #[test]
    fn circles_are_found() {
        let line = [waits(1, Some(2)), waits(2, Some(3)), waits(3, None)];
        assert_eq!(circle(&line), None);
        let ring = [waits(1, Some(2)), waits(2, Some(3)), waits(3, Some(2))];
        assert_eq!(circle(&ring), Some(vec![EnvId(2), EnvId(3)]));
        assert_eq!(circle(&[waits(1, Some(1))]), Some(vec![EnvId(1)]));
        // Who waits for one that is gone waits in no circle.
        assert_eq!(circle(&[waits(1, Some(9))]), None);
    }
}
