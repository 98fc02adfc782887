//! Which program an environment runs, and the names in it.
//!
//! The hard thing is that the machine does not know: environments are memory. Those of
//! the beginning were made from the modules, one each, in order; a child runs what its
//! parent runs, unless that was a prompt, which starts other programs.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use abi::EnvId;
use pc::Pc;

use crate::qemu::module_line;
use crate::symbols::Names;

/// The longest line of ancestors that is followed.
const ANCESTORS: usize = 64;

/// Who made whom.
pub trait Lineage {
    /// The environment that made this one, as far as that is known.
    fn parent(&self, env: EnvId) -> Option<EnvId>;
}

impl Lineage for Pc<'_> {
    fn parent(&self, env: EnvId) -> Option<EnvId> {
        let envs = self.machine.kernel.envs();
        let parent = envs.parent_of(envs.find(env)?)?;
        Some(envs[parent].id)
    }
}

/// The programs of a machine.
pub struct Programs {
    roots: Vec<PathBuf>,
    files: Vec<File>,
    /// What the environments of the beginning run.
    first: BTreeMap<EnvId, usize>,
}

struct File {
    path: PathBuf,
    starts_others: bool,
    names: OnceCell<Names>,
}

impl Programs {
    /// Those of these modules, which were just booted from `folder`. Paths below one of
    /// `roots` are shown without it.
    pub fn new(pc: &Pc<'_>, folder: &Path, roots: Vec<PathBuf>, modules: &[OsString]) -> Programs {
        let envs = pc.machine.kernel.envs();
        let alive = envs.used().filter(|&slot| envs[slot].alive);
        let ids: Vec<EnvId> = alive.map(|slot| envs[slot].id).collect();
        Programs::of(&ids, folder, roots, modules)
    }

    /// As [`Programs::new`], where these environments were made of the modules.
    pub fn of(ids: &[EnvId], folder: &Path, roots: Vec<PathBuf>, modules: &[OsString]) -> Programs {
        let mut files: Vec<File> = Vec::new();
        let mut runs = Vec::new();
        for module in modules {
            if module_line::is_program(module) {
                let path = folder.join(module_line::file(module));
                let known = files.iter().position(|file| file.path == path);
                runs.push(known.unwrap_or(files.len()));
                if known.is_none() {
                    files.push(File {
                        path,
                        starts_others: false,
                        names: OnceCell::new(),
                    });
                }
            } else if let Some(&last) = runs.last() {
                files[last].starts_others = true;
            }
        }
        // If one could not be loaded, nobody knows which.
        let whole = ids.len() == runs.len();
        let first = ids.iter().copied().zip(runs).filter(|_| whole).collect();
        Programs {
            roots,
            files,
            first,
        }
    }

    /// The files, each once, in the order of their environments.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The names of the program that this environment runs, if it is known.
    pub fn names(&self, lineage: &impl Lineage, env: EnvId) -> Option<&Names> {
        let file = &self.files[self.file(lineage, env)?];
        Some(self.read(file))
    }

    /// The file of the program that this environment runs, if it is known.
    pub fn path(&self, lineage: &impl Lineage, env: EnvId) -> Option<&Path> {
        Some(&self.files[self.file(lineage, env)?].path)
    }

    /// Where any of the programs has this name: a function's, or `FILE:LINE`.
    pub fn addresses(&self, name: &str) -> Vec<u32> {
        let found = self
            .files
            .iter()
            .map(|file| self.read(file).addresses(name));
        let mut addresses: Vec<u32> = found.flatten().collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// The file's own name.
    pub fn name(&self, lineage: &impl Lineage, env: EnvId) -> Option<String> {
        let path = self.path(lineage, env)?;
        Some(path.file_name()?.to_string_lossy().into_owned())
    }

    fn read<'f>(&self, file: &'f File) -> &'f Names {
        let read = || Names::read(self.roots.clone(), &file.path);
        file.names.get_or_init(read)
    }

    fn file(&self, lineage: &impl Lineage, env: EnvId) -> Option<usize> {
        if let Some(&file) = self.first.get(&env) {
            return Some(file);
        }
        let of_all = match &self.files[..] {
            [only] if !only.starts_others => Some(0),
            _ => None,
        };
        self.inherited(lineage, env).or(of_all)
    }

    /// What the first ancestor that is known runs, unless that starts other programs.
    fn inherited(&self, lineage: &impl Lineage, env: EnvId) -> Option<usize> {
        let mut ancestor = env;
        for _ in 0..ANCESTORS {
            ancestor = lineage.parent(ancestor)?;
            if let Some(&file) = self.first.get(&ancestor) {
                return (!self.files[file].starts_others).then_some(file);
            }
        }
        None
    }
}
