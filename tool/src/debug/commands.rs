//! The words of the small debugger.
//!
//! The hard thing is that a script must not go wrong silently: whatever is not
//! understood is an error that says what would have been.

use abi::EnvId;

use super::stops::{LONGEST_WATCH, Watched};

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// On by so many positions.
    Step(u64),
    /// Back by so many positions.
    Back(u64),
    /// On to after the next thing in the kernel.
    Next,
    /// Back to before the last thing in the kernel.
    Previous,
    /// On to the next stop.
    Continue,
    /// Back to the last stop.
    ReverseContinue,
    /// On to this place, or a stop before it.
    Until(String),
    /// Something to stop for; without it, what there is.
    Break(Option<Place>),
    /// A watch at this address, of so many bytes.
    Watch(Watched, u32, u32),
    /// No more of the breakpoint or watch with this number; of all, without one.
    Delete(Option<usize>),
    /// Where the CPU in focus stands.
    Where,
    /// All environments.
    Envs,
    /// All CPUs.
    Cpus,
    /// Another CPU in focus.
    Focus(u8),
    /// Registers.
    Registers,
    /// So many words of memory.
    Print(u32, u32),
    /// Another word in memory.
    Set(u32, u32),
    /// Any position.
    GoTo(u64),
    /// What was printed so far.
    Output,
    /// Something for the console, with a line's end.
    Type(String),
    /// What can be asked.
    Help,
    /// The end.
    Quit,
}

/// What a `break` can be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address, a function, or `FILE:LINE`.
    Code(String),
    /// Where a program is about to be ended for what it did.
    Crash,
    /// Where this environment gets a CPU.
    Runs(EnvId),
}

/// What `help` says.
pub const HELP: &str = "\
step [N]            on by N positions (instructions, steps of the kernel), 1 unless told
back [N]            back by N positions
next, previous      on to after the next thing in the kernel; back to before the last
continue            on to the next stop, or the end of the run
reverse-continue    back to the last stop, or the beginning
until PLACE         on to this place
break [PLACE]       stop there, in any environment; alone: what there is to stop for
break crash         stop where a program is about to be ended for what it did
break env ID        stop where this environment gets a CPU
watch ADDRESS [N]   stop when these N bytes (4 unless told, at most 8) of the environment change
rwatch, awatch      the same when they are read; when they are read, written or changed
delete [N]          forget the stop with this number; all
goto POSITION       any position
where               where the CPU in focus stands
cpu N               another CPU in focus
cpus, env, regs     the CPUs; the environments; the registers
print ADDRESS [N]   N words of memory, 16 unless told
set ADDRESS VALUE   another word in memory: another run from here on
type TEXT           something for the console, and Return: another run from here on
output              what was printed so far
help, quit
PLACE is an address (0x800020), a function (main, hello::main) or FILE:LINE.
Short: s, b, n, p, c, rc, x (print). As in gdb: stepi, reverse-stepi and reverse-step (back).
";

/// Words for one position on and back: ours, and what gdb has for an instruction and a line.
const STEP: [&str; 4] = ["step", "s", "stepi", "si"];
const BACK: [&str; 6] = ["back", "b", "reverse-stepi", "rsi", "reverse-step", "rs"];

/// Reads a line; nothing, if it is empty.
pub fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if word.is_empty() || word.starts_with('#') {
        return Ok(None);
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    let most = most_words(word).ok_or_else(|| format!("no command {word:?}; see help"))?;
    if words.len() > most {
        return Err(format!("{word}: too many words"));
    }
    let needed = |what: &str| format!("{word}: {what} is needed");
    let first = words.first().copied();
    let second = words.get(1).copied();
    let times = || {
        first.map_or(Ok(1), |text| {
            decimal(text).ok_or_else(|| needed("a number"))
        })
    };
    let address = || first.and_then(number).ok_or_else(|| needed("an address"));
    let command = match word {
        word if STEP.contains(&word) => Command::Step(times()?),
        word if BACK.contains(&word) => Command::Back(times()?),
        "next" | "n" => Command::Next,
        "previous" | "p" => Command::Previous,
        "continue" | "c" => Command::Continue,
        "reverse-continue" | "rc" => Command::ReverseContinue,
        "until" => Command::Until(first.ok_or_else(|| needed("a place"))?.to_owned()),
        "break" => Command::Break(stop(first, second)?),
        "watch" | "rwatch" | "awatch" => {
            let length = length(second).ok_or_else(|| needed("1 to 8"))?;
            Command::Watch(watched(word), address()?, length)
        }
        "delete" => {
            let which = first.map(|text| decimal(text).ok_or_else(|| needed("a number")));
            Command::Delete(which.transpose()?.map(|number| number as usize))
        }
        "where" => Command::Where,
        "env" | "envs" => Command::Envs,
        "cpus" => Command::Cpus,
        "cpu" => {
            let cpu = first
                .and_then(decimal)
                .and_then(|cpu| u8::try_from(cpu).ok());
            Command::Focus(cpu.ok_or_else(|| needed("a CPU's number"))?)
        }
        "regs" => Command::Registers,
        "print" | "x" => {
            let words = second
                .map_or(Some(16), number)
                .filter(|words| (1..=4096).contains(words));
            Command::Print(address()?, words.ok_or_else(|| needed("1 to 4096"))?)
        }
        "set" => Command::Set(
            address()?,
            second.and_then(number).ok_or_else(|| needed("a value"))?,
        ),
        "goto" => Command::GoTo(
            first
                .and_then(decimal)
                .ok_or_else(|| needed("a position"))?,
        ),
        "output" => Command::Output,
        "type" => Command::Type(rest.to_owned()),
        "help" => Command::Help,
        _ => Command::Quit,
    };
    Ok(Some(command))
}

/// What `break` is for, by the words after it.
fn stop(first: Option<&str>, second: Option<&str>) -> Result<Option<Place>, String> {
    Ok(match (first, second) {
        (None, _) => None,
        (Some("env"), id) => {
            let id = id.and_then(env);
            Some(Place::Runs(
                id.ok_or("break env: an id is needed, as in 1001")?,
            ))
        }
        (Some(_), Some(_)) => return Err("break: too many words".into()),
        (Some("crash"), None) => Some(Place::Crash),
        (Some(place), None) => Some(Place::Code(place.to_owned())),
    })
}

/// An environment's id, as the console prints it.
pub fn env(text: &str) -> Option<EnvId> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u32::from_str_radix(digits, 16).ok().filter(|_| all)?;
    Some(EnvId(id.cast_signed()))
}

/// What a kind of watch stops for.
fn watched(word: &str) -> Watched {
    match word {
        "rwatch" => Watched::Read,
        "awatch" => Watched::Access,
        _ => Watched::Change,
    }
}

/// How many words may follow; none for what is no command.
fn most_words(word: &str) -> Option<usize> {
    Some(match word {
        "next" | "n" | "previous" | "p" | "continue" | "c" | "reverse-continue" | "rc"
        | "where" | "env" | "envs" | "cpus" | "regs" | "output" | "help" | "quit" => 0,
        word if STEP.contains(&word) || BACK.contains(&word) => 1,
        "until" | "delete" | "cpu" | "goto" => 1,
        "break" | "watch" | "rwatch" | "awatch" | "print" | "x" | "set" => 2,
        "type" => usize::MAX,
        _ => return None,
    })
}

fn length(text: Option<&str>) -> Option<u32> {
    let length = text.map_or(Some(4), number);
    length.filter(|length| (1..=LONGEST_WATCH).contains(length))
}

fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A number, in hexadecimal after `0x`.
pub fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None => decimal(text).and_then(|number| u32::try_from(number).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_or_refused() {
        let parsed = |line: &str| parse(line).expect("understood").expect("a command");
        assert_eq!(parsed("step"), Command::Step(1));
        assert_eq!(parsed(" b  12 "), Command::Back(12));
        assert_eq!(parsed("si 2"), Command::Step(2));
        assert_eq!(parsed("reverse-stepi 3"), Command::Back(3));
        assert_eq!(parsed("reverse-step"), Command::Back(1));
        assert_eq!(
            parsed("watch 0x801000"),
            Command::Watch(Watched::Change, 0x80_1000, 4)
        );
        assert_eq!(
            parsed("watch 0x801000 8"),
            Command::Watch(Watched::Change, 0x80_1000, 8)
        );
        assert_eq!(
            parsed("rwatch 0x801000"),
            Command::Watch(Watched::Read, 0x80_1000, 4)
        );
        assert_eq!(
            parsed("awatch 0x801000 1"),
            Command::Watch(Watched::Access, 0x80_1000, 1)
        );
        assert_eq!(parsed("type a  b"), Command::Type("a  b".into()));
        assert_eq!(parsed("break"), Command::Break(None));
        assert_eq!(parse(" # a remark"), Ok(None));
        assert_eq!(parse(""), Ok(None));
        for (line, says) in [
            ("stp", "no command"),
            ("step x", "a number"),
            ("step -1", "a number"),
            ("step 1 2", "too many"),
            ("where now", "too many"),
            ("until", "a place"),
            ("watch", "an address"),
            ("watch 0x801000 9", "1 to 8"),
            ("print 0xg", "an address"),
            ("print 0x100000000", "an address"),
            ("print 0x0 5000", "1 to 4096"),
            ("goto 99999999999999999999", "a position"),
            ("cpu 256", "a CPU"),
            ("set 0x801000", "a value"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn every_command_is_in_the_help() {
        for word in HELP.split(|c: char| !c.is_ascii_lowercase() && c != '-') {
            let line = format!("{word} 0x1 1");
            let known = most_words(word).is_some();
            assert_eq!(
                known,
                !parse(&line).is_err_and(|error| error.contains("no command"))
            );
        }
        for word in [
            "step",
            "reverse-continue",
            "watch",
            "output",
            "type",
            "quit",
        ] {
            assert!(HELP.contains(word) && most_words(word).is_some(), "{word}");
        }
    }
}
