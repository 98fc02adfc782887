//! QEMU's command line as the course's makefiles of all years have it.
//!
//! Of it only that counts which a program can notice. What is about the
//! student's kernel, about windows and logs is left out, and so is the network,
//! whose card the student's kernel would have driven. The hard thing is to leave
//! out no more than that: an option that nobody knows is refused.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::bail;

/// The machine that was asked for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `-smp`.
    pub cpus: Option<u32>,
    /// `-m`, in MiB.
    pub memory: Option<u32>,
    /// Where gdb is waited for.
    pub gdb: Option<u16>,
    /// `-S`.
    pub stopped: bool,
    /// What is written to disks is forgotten.
    pub snapshot: bool,
    /// The second disk; the first one holds the student's kernel.
    pub disk: Option<PathBuf>,
    /// What QEMU is told as it is.
    pub further: Vec<OsString>,
}

/// Left out.
const FLAGS: [&str; 4] = ["nographic", "no-reboot", "no-kqemu", "no-shutdown"];
/// Left out, with the word after it.
const OPTIONS: [&str; 18] = [
    "serial", "parallel", "monitor", "display", "vga", "D", "d", "hda", "boot", "net", "netdev",
    "nic", "redir", "device", "object", "name", "pidfile", "L",
];
const HELP: [&str; 3] = ["help", "h", "version"];

/// Reads it; nothing if only help was asked for.
pub fn read(words: &[OsString]) -> anyhow::Result<Option<Asked>> {
    let mut asked = Asked::default();
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix('-') else {
            bail!("QEMU was asked for {word}, which is not understood");
        };
        // Two hyphens are as good as one.
        let option = option.strip_prefix('-').unwrap_or(option);
        if HELP.contains(&option) {
            return Ok(None);
        }
        match option {
            "S" => asked.stopped = true,
            "s" => asked.gdb = Some(1234),
            "snapshot" => asked.snapshot = true,
            _ if FLAGS.contains(&option) => {}
            _ => {
                let Some(value) = words.next() else {
                    bail!("QEMU was asked for {word}, which is not understood");
                };
                if !asked.option(option, &value) {
                    bail!("QEMU was asked for {word} {value}, which is not understood");
                }
            }
        }
    }
    Ok(Some(asked))
}

impl Asked {
    /// Takes an option with a value; whether it was understood.
    fn option(&mut self, option: &str, value: &str) -> bool {
        match option {
            "smp" => {
                let first = value.split(',').next().unwrap_or_default();
                self.cpus = first.strip_prefix("cpus=").unwrap_or(first).parse().ok();
                self.cpus.is_some()
            }
            "m" => {
                self.memory = mebibytes(value);
                self.memory.is_some()
            }
            "gdb" => {
                let port = value.strip_prefix("tcp:").map(|address| address.split(','));
                let port =
                    port.and_then(|mut words| words.next()?.rsplit(':').next()?.parse().ok());
                self.gdb = port;
                port.is_some()
            }
            "p" => {
                self.gdb = value.parse().ok();
                self.gdb.is_some()
            }
            "hdb" => {
                self.disk = Some(value.into());
                true
            }
            "drive" => self.drive(value),
            "cpu" => {
                self.further.extend(["-cpu".into(), value.into()]);
                true
            }
            _ => OPTIONS.contains(&option),
        }
    }

    /// Takes a `-drive`; whether it was understood.
    fn drive(&mut self, value: &str) -> bool {
        let (mut file, mut index, mut raw) = (None, None, true);
        for (key, value) in value.split(',').filter_map(|word| word.split_once('=')) {
            match key {
                "file" => file = Some(value),
                "index" => index = value.parse::<u32>().ok(),
                "format" => raw = value == "raw",
                "snapshot" => self.snapshot |= value == "on",
                _ => {}
            }
        }
        match (file, index) {
            (Some(_), None | Some(0)) => true,
            (Some(file), Some(1)) if raw => {
                self.disk = Some(file.into());
                true
            }
            _ => false,
        }
    }
}

/// A size as `-m` takes it: MiB, unless it has a unit.
fn mebibytes(value: &str) -> Option<u32> {
    let first = value.split(',').next().unwrap_or_default();
    let first = first.strip_prefix("size=").unwrap_or(first);
    let (digits, factor) = match first.strip_suffix(['G', 'g']) {
        Some(digits) => (digits, 1024),
        None => (first.strip_suffix(['M', 'm']).unwrap_or(first), 1),
    };
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        read(&words).expect("understood").expect("a boot")
    }

    #[test]
    fn what_makefiles_say_today() {
        let line = "-nographic -drive file=obj/kern/kernel.img,index=0,media=disk,format=raw \
             -serial mon:stdio -gdb tcp::26000 -D qemu.log -smp 4 \
             -drive file=obj/fs/fs.img,index=1,media=disk,format=raw -snapshot -S";
        let wanted = Asked {
            cpus: Some(4),
            gdb: Some(26000),
            stopped: true,
            snapshot: true,
            disk: Some("obj/fs/fs.img".into()),
            ..Asked::default()
        };
        assert_eq!(asked(line), wanted);
    }

    #[test]
    fn what_they_said_before() {
        let line = "-nographic -hda obj/kern/kernel.img -serial mon:stdio -gdb tcp::26000 \
             -hdb obj/fs/fs.img -net user -net nic,model=i82559er -redir tcp:26001::7";
        let wanted = Asked {
            gdb: Some(26000),
            disk: Some("obj/fs/fs.img".into()),
            ..Asked::default()
        };
        assert_eq!(asked(line), wanted);
        assert_eq!(asked("-s").gdb, Some(1234));
        assert_eq!(asked("-S -p 5000").gdb, Some(5000));
        assert_eq!(asked("-gdb tcp:localhost:5000,nodelay").gdb, Some(5000));
    }

    #[test]
    fn the_machine_may_be_another() {
        let line = asked("-smp cpus=2,sockets=2 -m 256M -cpu max");
        assert_eq!((line.cpus, line.memory), (Some(2), Some(256)));
        assert_eq!(line.further, ["-cpu", "max"]);
        assert_eq!(asked("-m size=1G").memory, Some(1024));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in [
            "-usbdevice disk:x",
            "obj/kern/kernel.img",
            "-smp",
            "-smp many",
            "-gdb none",
            "-m x",
            "-drive index=1",
            "-drive file=x,index=1,format=qcow2",
            "-drive file=x,index=2",
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert!(read(&words).is_err(), "{line}");
        }
    }

    #[test]
    fn help_is_no_boot() {
        let words = ["-nographic", "-help"].map(OsString::from);
        assert_eq!(read(&words).expect("understood"), None);
    }
}
