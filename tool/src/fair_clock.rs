//! A clock for time limits: it stands still while others have the CPUs.
//!
//! The time on the wall says little about a process on a busy machine: one that
//! gets a twentieth of a CPU needs twenty times as long, and nothing is wrong
//! with it. The host's kernel counts for every thread how long it stood in
//! line for a CPU, and that time is left out here. What hangs is found all the
//! same: asleep it does not stand in line, and spinning it has its turns.
//!
//! The hard thing is that there are many threads, in many processes. In every
//! interval the one that waited longest tells how much of the interval was
//! lost: they share their CPUs, so the others hardly did better.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

/// It looks around at most this often: the wait of a thread that ended in
/// between is not seen.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// The time that a process and all that it started could have used.
pub struct FairClock {
    process: u32,
    /// When it looked last.
    looked: Instant,
    /// What it counted until then.
    counted: Duration,
    /// How long each thread had waited until then.
    waited: HashMap<u32, Duration>,
}

impl FairClock {
    /// It begins now.
    pub fn of(process: u32) -> Self {
        Self {
            process,
            looked: Instant::now(),
            counted: Duration::ZERO,
            waited: waits(process),
        }
    }

    /// What it has counted. It has to be read every few intervals, or it takes
    /// a thread for slow that was only unlucky once.
    pub fn read(&mut self) -> Duration {
        let elapsed = self.looked.elapsed();
        if elapsed >= INTERVAL {
            self.looked += elapsed;
            let waited = waits(self.process);
            self.counted += elapsed.saturating_sub(longest(&self.waited, &waited));
            self.waited = waited;
        }
        self.counted
    }
}

/// The longest that any thread waited in an interval. A new one began in it.
fn longest(before: &HashMap<u32, Duration>, after: &HashMap<u32, Duration>) -> Duration {
    let wait = |(thread, wait): (&u32, &Duration)| {
        let before = before.get(thread).copied().unwrap_or_default();
        wait.saturating_sub(before)
    };
    after.iter().map(wait).max().unwrap_or_default()
}

/// How long each thread has stood in line for a CPU. Where the host does not
/// tell, there are none, and the clock is one on the wall.
fn waits(process: u32) -> HashMap<u32, Duration> {
    let threads = family(process).into_iter().flat_map(|process| {
        let tasks = fs::read_dir(format!("/proc/{process}/task"));
        tasks.into_iter().flatten().flatten()
    });
    // Threads come and go while we look.
    threads
        .filter_map(|thread| {
            let id = thread.file_name().to_str()?.parse().ok()?;
            let numbers = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            // Nanoseconds on a CPU, nanoseconds in line for one, turns.
            let wait = numbers.split_whitespace().nth(1)?.parse().ok()?;
            Some((id, Duration::from_nanos(wait)))
        })
        .collect()
}

/// A process and all that it started and that they started, itself first.
pub fn family(process: u32) -> Vec<u32> {
    let mut family = vec![process];
    let parents = parents();
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let children = parents.iter().filter(|&&(_, of)| of == parent);
        family.extend(children.map(|&(child, _)| child));
        next += 1;
    }
    family
}

/// Every process, and who started it.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("stat")).ok()?;
            // The name, in parentheses, may contain anything.
            let end = line.iter().rposition(|&byte| byte == b')')?;
            let rest = String::from_utf8_lossy(line.get(end + 1..)?).into_owned();
            let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Stdio};

    fn shell(script: &str) -> Child {
        let mut command = crate::child_process::command("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).spawn().expect("sh starts")
    }

    /// What the clock counts, and the time on the wall, while that is this long.
    fn counted(process: u32, wall: Duration) -> (Duration, Duration) {
        let start = Instant::now();
        let mut clock = FairClock::of(process);
        while start.elapsed() < wall {
            std::thread::sleep(INTERVAL / 4);
            clock.read();
        }
        (clock.read(), start.elapsed())
    }

    #[test]
    fn sleep_is_counted() {
        let mut child = shell("exec sleep 60");
        let (counted, wall) = counted(child.id(), 4 * INTERVAL);
        child.kill().expect("is there");
        child.wait().expect("is there");
        // The last interval may not be over.
        assert!(counted + 2 * INTERVAL >= wall, "{counted:?} of {wall:?}");
    }

    /// Eight who want one CPU: each waits most of the time.
    #[test]
    fn standing_in_line_is_not() {
        let Ok(taskset) = which::which("taskset") else {
            return;
        };
        let mut child = crate::child_process::command(taskset)
            .args(["-c", &first_cpu(), "sh", "-c"])
            .arg("for i in 1 2 3 4 5 6 7; do sh -c 'while :; do :; done' & done; while :; do :; done")
            .spawn()
            .expect("taskset starts");
        let (counted, wall) = counted(child.id(), 8 * INTERVAL);
        let all = family(child.id());
        for process in &all {
            let id = rustix::process::Pid::from_raw(process.cast_signed()).expect("not 0");
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
        child.wait().expect("is there");
        assert_eq!(all.len(), 8);
        if fs::exists("/proc/self/schedstat").unwrap_or(false) {
            assert!(counted < wall / 2, "{counted:?} of {wall:?}");
        }
    }

    /// One that this thread may run on.
    fn first_cpu() -> String {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let digits = |text: &str| text.trim().split(['-', ',']).next().map(str::to_owned);
        list.and_then(digits).unwrap_or_else(|| "0".into())
    }

    #[test]
    fn the_longest_wait_tells() {
        let waits = |pairs: &[(u32, u64)]| {
            let pairs = pairs.iter();
            pairs
                .map(|&(id, ms)| (id, Duration::from_millis(ms)))
                .collect()
        };
        let before = waits(&[(1, 100), (2, 900)]);
        let after = waits(&[(1, 150), (2, 910), (3, 30)]);
        assert_eq!(longest(&before, &after), Duration::from_millis(50));
        assert_eq!(longest(&before, &waits(&[])), Duration::ZERO);
        assert_eq!(
            longest(&before, &waits(&[(4, 70)])),
            Duration::from_millis(70)
        );
    }

    #[test]
    fn grandchildren_are_family() {
        let mut child = shell("sh -c 'echo; sleep 60; :' & sh -c 'echo; sleep 60; :'; wait");
        let mut output = child.stdout.take().expect("piped");
        // Both have begun.
        std::io::Read::read_exact(&mut output, &mut [0; 2]).expect("two lines");
        let family = family(child.id());
        child.kill().expect("is there");
        child.wait().expect("is there");
        for process in family.iter().skip(1) {
            let id = rustix::process::Pid::from_raw(process.cast_signed()).expect("not 0");
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
        assert_eq!(family.first(), Some(&child.id()));
        assert!(family.len() >= 3, "{family:?}");
    }
}
