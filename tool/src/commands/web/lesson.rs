//! What the page about the lost wake-up tells: three runs of the sample program, found
//! and told when the page is written.
//!
//! The hard thing is that nothing of it may grow stale. The schedule is searched for with
//! the program as it was just built, the code shown is the source it was built from, and
//! each sentence comes from what the machine did there.

mod code;
mod moments;
mod search;
mod words;

use anyhow::{Context, bail};
use page::Request;
use pc::Pc;
use pc::plan::Choice;
use schedules::Choices;
use serde_json::{Value, json};

use self::code::{Code, Mark};
use self::moments::Moment;
use self::words::Teller;
use crate::build::archive;
use crate::build::guest::Kernel;
use crate::host::Host;

const BUG: &str = "lostwake";
const TWIN: &str = "lostwakefixed";
/// So many seeds are tried to find a good run in which somebody sleeps.
const SEEDS: u64 = 1000;

/// A program to be told about.
struct Subject {
    name: &'static str,
    file: Vec<u8>,
    code: Code,
}

/// A run, told.
struct Run {
    request: Request,
    moments: Vec<Moment>,
    /// Whether it printed that all is well.
    is_well: bool,
}

/// The script with the runs.
pub fn script(host: &Host) -> anyhow::Result<String> {
    let bug = Subject::read(host, BUG)?;
    let twin = Subject::read(host, TWIN)?;
    let found = search::shortest(&bug.request(), &bug.file)?;
    let failing = bug.run_chosen(&found.choices)?;
    let mended = twin.run_chosen(&found.choices)?;
    let fair = bug.run_fair()?;
    let told = json!({
        "runs": {
            "fair": told(&fair, &bug),
            "failing": told(&failing, &bug),
            "mended": told(&mended, &twin),
        },
        // Between these two lines it goes wrong.
        "gap": [bug.code.line(Some(Mark::Looks)), bug.code.line(Some(Mark::Sleeps))],
        "decisions": found.decisions,
        "tried": found.tried,
    });
    Ok(format!("window.JOSTLE_LOSTWAKE = {told};\n"))
}

impl Subject {
    fn read(host: &Host, name: &'static str) -> anyhow::Result<Subject> {
        let path = host.guest(Kernel::Plain)?.program(name);
        let file = std::fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(Subject {
            name,
            file: archive::without_symbols(file)?,
            code: Code::read(&host.workspace, name, &path)?,
        })
    }

    /// What is asked for, but for seed and schedule.
    fn request(&self) -> Request {
        Request {
            program: self.name.into(),
            ..Request::default()
        }
    }

    /// The run with this schedule.
    fn run_chosen(&self, choices: &Choices) -> anyhow::Result<Run> {
        self.run(Request {
            choices: Some(choices.clone()),
            ..self.request()
        })
    }

    /// A run at a fair pace that goes well, and in which somebody sleeps, and is woken.
    fn run_fair(&self) -> anyhow::Result<Run> {
        for seed in 0..SEEDS {
            let mut request = self.request();
            request.config.seed = seed;
            let run = self.run(request)?;
            if run.is_well && words::is_plain(&run.moments) {
                return Ok(run);
            }
        }
        bail!("{}: no seed below {SEEDS} shows a sleep", self.name)
    }

    fn run(&self, request: Request) -> anyhow::Result<Run> {
        let mut pc = self.boot(&request)?;
        let choices = request.choices.as_deref().unwrap_or_default();
        let moments = moments::of(&mut pc, &self.code, choices)
            .with_context(|| format!("{}: nobody did anything", self.name))?;
        let ok = format!("{}: ok\n", self.name);
        let output = pc.take_output();
        Ok(Run {
            is_well: String::from_utf8_lossy(&output).contains(&ok),
            request,
            moments,
        })
    }

    fn boot(&self, request: &Request) -> anyhow::Result<Pc<'static>> {
        let setup = request.setup(self.file.clone(), Vec::new());
        let booted = setup.and_then(|setup| request.boot(&setup));
        booted.map_err(|why| anyhow::anyhow!("{}: {why}", self.name))
    }
}

/// A run for the page.
fn told(run: &Run, subject: &Subject) -> Value {
    let mut teller = Teller::new(subject.code.tries_again());
    let mut lines = [None, None];
    let moments = run.moments.iter().map(|moment| {
        let said = teller.tell(moment);
        if let (Some(side), Some(line)) = (moment.side, subject.code.line(moment.mark())) {
            lines[side as usize] = Some(line);
        }
        json!({
            "at": moment.at,
            "what": said.what,
            "chosen": moment.chosen.is_some(),
            "sides": [said.sleeper, said.waker],
            "lines": lines,
            "latest": moment.side.map(|side| side as usize),
        })
    });
    let moments: Vec<Value> = moments.collect();
    let request = &run.request;
    let mut words = json!({
        "program": request.program,
        "cpus": request.cpus.to_string(),
        "seed": request.config.seed.to_string(),
    });
    if let Some(choices) = &request.choices {
        words["choices"] = choices_word(choices).into();
    }
    let choices = request.choices.iter().flatten();
    let choices: Vec<String> = choices.map(words::choice).collect();
    json!({
        "request": words,
        "choices": choices,
        "moments": moments,
        "well": run.is_well,
        "words": moments::WORDS,
        "code": subject.code.blocks(),
    })
}

/// A schedule as a link has it.
fn choices_word(choices: &[(u64, Choice)]) -> String {
    let word = |(at, choice): &(u64, Choice)| match choice {
        Choice::Switch(cpu) => format!("{at}s{}", cpu.0),
        Choice::Ring(cpu) => format!("{at}r{}", cpu.0),
        Choice::Drain(cpu) => format!("{at}d{}", cpu.0),
    };
    choices.iter().map(word).collect::<Vec<_>>().join(",")
}
