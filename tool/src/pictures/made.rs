//! Records for the tests of pictures.
//!
//! The hard thing is to be as the kernel makes them: a step begins with its entry, and
//! ends with who is on the CPU then.

use abi::EnvId;
use kcore::Pfn;
use kcore::ids::CpuId;
use witness::trace::{Cause, Content, Record};

use super::model::{Builder, Model};

/// The first environment.
pub const ONE: EnvId = EnvId(0x1000);
/// The second.
pub const TWO: EnvId = EnvId(0x1001);

/// A record of a woken CPU.
pub fn record(now: u64, cpu: u8, env: EnvId, content: Content) -> Record {
    Record {
        now,
        cpu: CpuId(cpu),
        env,
        cause: Cause::Wake,
        content,
    }
}

/// An entry.
pub fn entered(now: u64, cpu: u8, env: EnvId, cause: Cause, arguments: [u32; 3]) -> Record {
    let eip = 0x80_0020;
    Record {
        cause,
        ..record(now, cpu, env, Content::Entered { eip, arguments })
    }
}

/// A CPU that is woken.
pub fn woken(now: u64, cpu: u8) -> Record {
    entered(now, cpu, EnvId::NONE, Cause::Wake, [0; 3])
}

/// Somebody gets the CPU.
pub fn switched(now: u64, cpu: u8, env: EnvId) -> Record {
    let pgdir = Pfn(0x67);
    record(now, cpu, env, Content::Switched { pgdir })
}

/// The CPU has nobody to run.
pub fn idled(now: u64, cpu: u8) -> Record {
    record(now, cpu, EnvId::NONE, Content::Idled)
}

/// Two CPUs: one forks, sends to its child, which runs on the other, and ends.
pub fn family() -> Vec<Record> {
    let pgdir = Pfn(0x70);
    let wake = |now, cpu, env, content| record(now, cpu, env, content);
    let timer = |now, cpu, env| entered(now, cpu, env, Cause::Wake, [0; 3]);
    let sent = Content::Delivered {
        to: TWO,
        from: ONE,
        value: 5,
        perm: 0,
    };
    let born = Content::Born {
        env: TWO,
        parent: ONE,
        pgdir,
    };
    let died = Content::Died {
        env: ONE,
        killer: ONE,
        pgdir,
    };
    vec![
        woken(1000, 0),
        switched(1000, 0, ONE),
        woken(1010, 1),
        idled(1010, 1),
        timer(1100, 0, ONE),
        wake(1100, 0, ONE, born),
        woken(1200, 1),
        switched(1200, 1, TWO),
        timer(1300, 1, TWO),
        wake(1300, 1, TWO, Content::Receives { va: u32::MAX }),
        idled(1300, 1),
        timer(1400, 0, ONE),
        wake(1400, 0, ONE, sent),
        woken(1500, 1),
        switched(1500, 1, TWO),
        timer(1600, 0, ONE),
        wake(1600, 0, ONE, died),
        idled(1600, 0),
        timer(1700, 1, TWO),
    ]
}

/// The model of these records, by a clock of nanoseconds.
pub fn model(records: &[Record]) -> Model {
    let mut builder = Builder::new(1_000_000_000, 0);
    for record in records {
        builder.add(record, true).expect("a sound record");
    }
    builder.finish()
}
