//! The run once more, on the simulated machine, up to the deaths that the console told of.
//!
//! There every position can be looked at, which a machine that is gone cannot. A run of
//! the simulated machine is the same again; one of QEMU may be another, and then nothing
//! is found. The hard thing is to give up in time: a run may be long, or wait for
//! somebody who typed.

use std::path::PathBuf;

use abi::EnvId;
use pc::boot::Setup;
use pc::ide::Ide;
use pc::typing::Typing;
use pc::{Config, Pc};
use sim::machine::{Machine as Inner, Store};
use witness::trace::{Cause, Content, Record};

use super::death::Death;
use super::scene::Scene;
use super::stuck::{self, Stuck};
use crate::debug::programs::Programs;
use crate::debug::session::{self, Session, Start};
use crate::debug::stops::Hit;
use crate::debug::travel::{Goal, Stop};
use crate::qemu::machine::Machine;
use crate::simulated::Image;
use crate::simulated::boot::setup_of;

/// After so many positions nobody waits any longer. docs/crashes.md says how many.
const PATIENCE: u64 = 8_000_000;
/// How many of an environment's last entries to the kernel are kept.
const STEPS: usize = 5;

/// What is run again.
#[derive(Clone)]
pub struct Again {
    /// Where the modules' paths begin.
    pub folder: PathBuf,
    /// What to leave out of the paths of sources.
    pub roots: Vec<PathBuf>,
    /// The machine that it ran on.
    pub machine: Machine,
    /// What decides the run here.
    pub config: Config,
}

/// A death that was found.
pub struct Found {
    /// What was seen there.
    pub scene: Scene,
    /// The environment's last entries to the kernel before.
    pub steps: Vec<String>,
}

impl Again {
    /// What is seen of each of these deaths.
    pub fn deaths(&self, deaths: &[Death], first: &[EnvId]) -> Vec<Option<Found>> {
        let nothing = || deaths.iter().map(|_| None).collect();
        let Some((setup, disk)) = self.setup() else {
            return nothing();
        };
        let told = Programs::of(
            first,
            &self.folder,
            self.roots.clone(),
            &self.machine.modules,
        );
        let mut store = Store::new(&setup.spec());
        let mut session = self.session(&mut store, &setup, disk.clone());
        let programs = self.programs(&session.pc);
        let mut scenes: Vec<Option<Scene>> = vec![None; deaths.len()];
        session.stops.crash = true;
        let mut is_first = true;
        let mut late = impatient();
        while scenes.iter().any(Option::is_none) {
            let Stop::Hit(Hit::Crash(env)) = session.ahead(Goal::Nowhere, &mut late) else {
                break;
            };
            let runs = programs.path(&session.pc, env);
            for (death, scene) in deaths.iter().zip(&mut scenes) {
                let ran = death.env.and_then(|env| told.path(death, env));
                let exact = self.machine.simulated.is_none() || death.env == Some(env);
                if scene.is_none() && exact && ran.is_none_or(|ran| Some(ran) == runs) {
                    *scene = Scene::of(&session.pc, &programs, env, death);
                    if let Some(scene) = scene {
                        scene.is_first = is_first;
                        break;
                    }
                }
            }
            is_first = false;
        }
        let found = |scene: Scene| Found {
            steps: self.steps(&setup, disk.clone(), &scene),
            scene,
        };
        scenes.into_iter().map(|scene| scene.map(found)).collect()
    }

    /// Who waits for whom when the run is over, if these are those that are left.
    pub fn stuck(&self, alive: &[EnvId]) -> Option<Vec<Stuck>> {
        let (setup, disk) = self.setup()?;
        let mut store = Store::new(&setup.spec());
        let mut session = self.session(&mut store, &setup, disk);
        let programs = self.programs(&session.pc);
        if session.ahead(Goal::Nowhere, &mut impatient()) != Stop::End || !session.pc.has_ended() {
            return None;
        }
        let stuck = stuck::all(&session.pc, &programs);
        stuck
            .iter()
            .map(|one| one.env)
            .eq(alive.iter().copied())
            .then_some(stuck)
    }

    /// What is booted; nothing, if the simulated machine cannot.
    fn setup(&self) -> Option<(Setup, Option<Ide>)> {
        if self.machine.wakes_plant() || self.machine.nic.is_some() {
            return None;
        }
        let mut setup = setup_of(&self.folder, &self.machine, false).ok()?;
        setup.trace = true;
        let disk = match &self.machine.disk {
            Some(path) => {
                let image = Image::open(&self.folder.join(path), true).ok()?;
                Some(Ide::new(image.contents()))
            }
            None => None,
        };
        Some((setup, disk))
    }

    fn session<'t>(&self, store: &'t mut Store, setup: &Setup, disk: Option<Ide>) -> Session<'t> {
        let start = Start {
            plan: self.config.plan(),
            store_buffers: self.config.store_buffers,
            disk,
            typing: Typing::default(),
        };
        Session::new(store, setup, start)
    }

    fn programs(&self, pc: &Pc<'_>) -> Programs {
        Programs::new(pc, &self.folder, self.roots.clone(), &self.machine.modules)
    }

    /// The last entries to the kernel of the environment in a scene. What is at a
    /// position is known for this run, so it need not be kept when it goes by.
    fn steps(&self, setup: &Setup, disk: Option<Ide>, scene: &Scene) -> Vec<String> {
        let mut store = Store::new(&setup.spec());
        let mut machine = Inner::new(&mut store, setup.spec());
        let _ = setup.boot(&mut machine);
        let mut pc = Pc::new(machine, self.config);
        pc.disk = disk;
        let mut last: Vec<Record> = Vec::new();
        while pc.position() < scene.position {
            let left = scene.position - pc.position();
            if pc.advance(left.min(session::STRETCH)) == 0 {
                break;
            }
            let new = std::mem::take(&mut pc.machine.trace);
            let records = new.iter().filter_map(|words| Record::from_words(*words));
            last.extend(records.filter(|record| record.env == scene.env && is_entry(record)));
            last.drain(..last.len().saturating_sub(STEPS));
        }
        let programs = self.programs(&pc);
        let line = |record: &Record| {
            let Content::Entered { eip, arguments } = record.content else {
                return record.cause.to_string();
            };
            let [a, b, c] = arguments;
            let names = programs.names(&pc, scene.env);
            let place = names.and_then(|names| names.at(eip).pop());
            let place = place.unwrap_or_else(|| format!("{eip:#010x}"));
            format!("{} {a:x} {b:x} {c:x}, in {place}", record.cause)
        };
        last.iter().map(line).collect()
    }
}

/// Somebody who is asked every [`session::STRETCH`] positions whether to give up.
fn impatient() -> impl FnMut() -> bool {
    let mut left = PATIENCE / session::STRETCH;
    move || {
        left = left.saturating_sub(1);
        left == 0
    }
}

/// Whether a record is an entry of the program's own making.
fn is_entry(record: &Record) -> bool {
    let own = matches!(
        record.cause,
        Cause::Call { .. } | Cause::PageFault | Cause::Exception(_)
    );
    own && matches!(record.content, Content::Entered { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_where_the_book_says() {
        let mut late = impatient();
        let looks = (1..).take_while(|_| !late()).count() as u64 + 1;
        assert_eq!(looks * session::STRETCH, PATIENCE);
        let book = include_str!("../../../docs/crashes.md");
        let said = format!("not within {} million positions", PATIENCE / 1_000_000);
        assert!(book.contains(&said), "{said}");
    }
}
