//! What is asked of Debian's package manager, and how its answers are read.
//!
//! The hard thing is to know beforehand whether an installation would change
//! anything that is there. apt says so when asked to simulate: `Remv` removes,
//! and an `Inst` with a version in brackets replaces that one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child_process;

/// What this user may do to the machine without being asked for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Install packages.
    Root,
    /// The same, by way of sudo.
    Sudo,
    /// Nothing.
    None,
}

/// How a command ended and what it printed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// It succeeded.
    pub good: bool,
    /// Both of its outputs.
    pub text: String,
}

/// Runs the package manager's commands; tests answer with recorded text.
pub trait Commands {
    /// Runs a command that only looks, and takes what it prints.
    fn ask(&mut self, words: &[String]) -> Answer;
    /// Runs a command in a folder, and shows what it prints.
    fn perform(&mut self, words: &[String], folder: &Path) -> bool;
    /// Runs a command that changes what is installed, shows what it prints, and
    /// lets it come to its end whatever happens to us.
    fn change(&mut self, words: &[String]) -> bool;
}

/// What apt takes for the truth about packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lists {
    /// What the machine has.
    Machine,
    /// Lists of our own in this folder, which need no rights to be read anew.
    Own(PathBuf),
    /// The same, as if no package at all were installed: for machines where
    /// those that are rule the new one out.
    OwnOnEmpty(PathBuf),
}

impl Lists {
    fn options(&self) -> Vec<String> {
        let (Self::Own(folder) | Self::OwnOnEmpty(folder)) = self else {
            return Vec::new();
        };
        let mut options = vec![
            format!("Dir::State::Lists={}/lists", folder.display()),
            format!("Dir::Cache={}/cache", folder.display()),
        ];
        if matches!(self, Self::OwnOnEmpty(_)) {
            options.push("Dir::State::status=/dev/null".into());
        }
        options
            .into_iter()
            .flat_map(|option| ["-o".into(), option])
            .collect()
    }

    /// `PROGRAM OPTIONS WORDS`, asking nobody and taking no lock of apt's.
    fn command(&self, program: &str, words: &[&str]) -> Vec<String> {
        let mut command = vec![program.to_owned(), "-o".into(), "Debug::NoLocking=1".into()];
        // Else apt, run by root, gives up its rights, and cannot write where we want it to.
        command.extend(["-o".into(), "APT::Sandbox::User=root".into()]);
        command.extend(self.options());
        command.extend(words.iter().map(|&word| word.to_owned()));
        command
    }

    /// Reads them anew from the servers. False if some could not be read.
    pub fn update(&self, apt: &mut impl Commands, rights: Rights) -> bool {
        let folder = match self {
            Self::Machine => {
                return apt.change(&by_right(rights, &["apt-get", "--quiet", "update"]));
            }
            Self::Own(folder) | Self::OwnOnEmpty(folder) => folder,
        };
        // Else one that cannot be reached is only a warning.
        let update = ["-o", "APT::Update::Error-Mode=any", "--quiet", "update"];
        ["lists/partial", "cache/archives/partial"]
            .iter()
            .all(|part| std::fs::create_dir_all(folder.join(part)).is_ok())
            && apt.perform(&self.command("apt-get", &update), here())
    }

    /// What installing these packages would do, or why it cannot be done.
    pub fn plan(&self, apt: &mut impl Commands, packages: &[&str]) -> Result<Plan, String> {
        let mut words = vec!["--simulate", "--no-install-recommends", "install"];
        words.extend(packages);
        let answer = apt.ask(&self.command("apt-get", &words));
        if answer.good {
            Ok(Plan::read(&answer.text))
        } else {
            Err(complaint(&answer.text))
        }
    }

    /// How many bytes must be downloaded for these, and how many they unpack to.
    pub fn sizes(&self, apt: &mut impl Commands, packages: &[Package]) -> (u64, u64) {
        let names: Vec<String> = packages.iter().map(Package::exactly).collect();
        let names = names.iter().map(String::as_str);
        let words: Vec<&str> = ["--print-uris", "download"]
            .into_iter()
            .chain(names.clone())
            .collect();
        let download = apt.ask(&self.command("apt-get", &words));
        let words: Vec<&str> = ["show"].into_iter().chain(names).collect();
        let show = apt.ask(&self.command("apt-cache", &words));
        let of_line = |line: &str| line.strip_prefix("Installed-Size: ")?.parse::<u64>().ok();
        (
            download.text.lines().filter_map(size_of_uri).sum(),
            show.text.lines().filter_map(of_line).sum::<u64>() << 10,
        )
    }

    /// Fetches the files of these packages into a folder.
    pub fn download(&self, apt: &mut impl Commands, packages: &[Package], folder: &Path) -> bool {
        let names: Vec<String> = packages.iter().map(Package::exactly).collect();
        let words = ["--quiet", "download"].into_iter();
        let words: Vec<&str> = words.chain(names.iter().map(String::as_str)).collect();
        apt.perform(&self.command("apt-get", &words), folder)
    }
}

/// Installs packages beside all others, or not at all.
pub fn install(apt: &mut impl Commands, rights: Rights, packages: &[&str]) -> bool {
    let options = [
        "apt-get",
        "--no-install-recommends",
        "--no-remove",
        "--no-upgrade",
    ];
    let words = [&options, &["--quiet", "--yes", "install"][..], packages].concat();
    apt.change(&by_right(rights, &words))
}

/// Unpacks a package's file.
pub fn unpack(apt: &mut impl Commands, package: &Path, into: &Path) -> bool {
    let words = ["dpkg-deb".into(), "-x".into(), text(package), text(into)];
    apt.perform(&words, here())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn here() -> &'static Path {
    Path::new(".")
}

fn by_right(rights: Rights, words: &[&str]) -> Vec<String> {
    let before: &[&str] = match rights {
        Rights::Sudo => &["sudo", "-n"],
        Rights::Root | Rights::None => &[],
    };
    let surroundings = &["env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"];
    [before, surroundings, words]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// A package in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Package {
    fn exactly(&self) -> String {
        format!("{}={}", self.name, self.version)
    }
}

/// What an installation would do.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Packages that come, in the order of their installation.
    pub comes: Vec<Package>,
    /// Names of those among them that are there in another version.
    pub replaced: Vec<String>,
    /// Names of those that would go.
    pub removed: Vec<String>,
}

impl Plan {
    fn read(simulation: &str) -> Self {
        let mut plan = Self::default();
        for line in simulation.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["Remv", name, ..] => plan.removed.push(name.to_owned()),
                ["Inst", name, first, ..] => {
                    let replaces = first.starts_with('[');
                    let version = words[2..].iter().find_map(|word| word.strip_prefix('('));
                    if replaces {
                        plan.replaced.push(name.to_owned());
                    }
                    plan.comes.push(Package {
                        name: name.to_owned(),
                        version: version.unwrap_or_default().to_owned(),
                    });
                }
                _ => {}
            }
        }
        plan
    }

    /// What it would change of what is installed, in words.
    pub fn harm(&self) -> Option<String> {
        let list = |verb: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
        };
        let removes = list("remove", &self.removed);
        let replaces = list("replace", &self.replaced);
        let harm: Vec<String> = removes.into_iter().chain(replaces).collect();
        (!harm.is_empty()).then(|| harm.join(" and "))
    }
}

/// apt's reason in one line.
fn complaint(text: &str) -> String {
    let reasons: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("E: "))
        .collect();
    if reasons.is_empty() {
        "apt does not say why".to_owned()
    } else {
        reasons.join("; ")
    }
}

/// `'URI' FILE SIZE HASH`
fn size_of_uri(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    words.next().filter(|uri| uri.starts_with('\''))?;
    words.nth(1)?.parse().ok()
}

/// The package manager of this machine.
#[derive(Debug)]
pub struct System(());

impl System {
    /// Nothing if this is not a Debian or a child of it.
    pub fn find() -> Option<Self> {
        let all = ["apt-get", "dpkg-deb"];
        all.iter()
            .all(|name| which::which(name).is_ok())
            .then_some(Self(()))
    }

    /// Never asks for a password: there is a way that needs none.
    pub fn rights(&self) -> Rights {
        let sudo = || {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "true"]).stdin(Stdio::null());
            sudo.output().is_ok_and(|output| output.status.success())
        };
        if rustix::process::geteuid().is_root() {
            Rights::Root
        } else if sudo() {
            Rights::Sudo
        } else {
            Rights::None
        }
    }
}

fn program(words: &[String]) -> &str {
    words.first().map_or("true", String::as_str)
}

/// Gives the command its arguments and nobody to ask.
fn with_arguments(mut command: Command, words: &[String]) -> Command {
    command
        .args(words.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .env("LC_ALL", "C");
    command
}

impl Commands for System {
    fn ask(&mut self, words: &[String]) -> Answer {
        match with_arguments(child_process::command(program(words)), words).output() {
            Ok(output) => Answer {
                good: output.status.success(),
                text: [output.stdout, output.stderr]
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                    .concat(),
            },
            Err(error) => Answer {
                good: false,
                text: format!("E: {error}"),
            },
        }
    }

    fn perform(&mut self, words: &[String], folder: &Path) -> bool {
        let mut command = with_arguments(child_process::command(program(words)), words);
        command.current_dir(folder).stdout(std::io::stderr());
        command.status().is_ok_and(|status| status.success())
    }

    fn change(&mut self, words: &[String]) -> bool {
        let mut command = with_arguments(Command::new(program(words)), words);
        command.stdout(std::io::stderr());
        command.status().is_ok_and(|status| status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_is_seen() {
        let plan = Plan::read(include_str!("recorded/conflict.txt"));
        assert_eq!(plan.comes.len(), 27);
        assert_eq!(
            plan.comes[0].exactly(),
            "ipxe-qemu=1.0.0+git-20190125.36a4c85-5.1"
        );
        assert_eq!(plan.harm().as_deref(), Some("remove qemu-utils"));
    }

    #[test]
    fn a_replacement_is_seen() {
        let plan = Plan::read(
            "Inst libfdt1 [1.6.1-4] (1.7.0-1 Debian:12 [amd64])\n\
             Inst seabios (1.16.2-1 Debian:12 [all]) []\n",
        );
        assert_eq!(plan.comes[0].exactly(), "libfdt1=1.7.0-1");
        assert_eq!(plan.comes[1].exactly(), "seabios=1.16.2-1");
        assert_eq!(plan.harm().as_deref(), Some("replace libfdt1"));
    }

    #[test]
    fn an_addition_does_no_harm() {
        assert_eq!(
            Plan::read("Inst seabios (1.16.2-1 Debian:12 [all])").harm(),
            None
        );
    }

    #[test]
    fn reasons_are_apts_own() {
        assert_eq!(
            complaint(include_str!("recorded/unknown.txt")),
            "Unable to locate package qemu-system-x86"
        );
        assert_eq!(complaint(""), "apt does not say why");
    }

    #[test]
    fn sizes_are_in_the_third_place() {
        let line = "'http://mirror/pool/a_1%2b2.deb' a_1+2.deb 90456 SHA256:7c";
        assert_eq!(size_of_uri(line), Some(90456));
        assert_eq!(size_of_uri("Reading package lists..."), None);
    }

    #[test]
    fn lists_of_our_own_are_named_to_apt() {
        let line = |lists: &Lists| lists.command("apt-get", &["update"]).join(" ");
        let own = "/c/apt".into();
        assert!(!line(&Lists::Machine).contains("Dir::"));
        let line = line(&Lists::OwnOnEmpty(own));
        assert!(
            line.contains("-o Dir::State::Lists=/c/apt/lists "),
            "{line}"
        );
        assert!(
            line.ends_with("-o Dir::State::status=/dev/null update"),
            "{line}"
        );
    }
}
