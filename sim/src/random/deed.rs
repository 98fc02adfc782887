//! What a driver did last, in words.
//!
//! The hard thing is to say little: how many arguments a call has, and which of them are
//! addresses, so that somebody who has never seen the driver can follow.

use crate::machine::call::Answer;
use abi::Call;
use kcore::CpuId;
use std::fmt;

/// An action of a driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deed {
    /// The environment that acted, or was interrupted.
    pub env: u32,
    /// Its CPU.
    pub cpu: CpuId,
    /// What it did.
    pub kind: Kind,
}

/// What can be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Time passed, and all CPUs waited.
    #[default]
    Waited,
    /// The timer rang.
    Timer,
    /// Another interrupt came.
    Interrupt,
    /// The program used memory.
    Touched(u32),
    /// The program used the x87.
    UsedFpu,
    /// The program raised an exception.
    Raised,
    /// A call was made.
    Called {
        /// Which one.
        call: Call,
        /// Its arguments.
        arguments: [u32; 5],
        /// No frame was available meanwhile.
        starved: bool,
        /// How it ended; nothing, if the kernel did not come so far.
        answer: Option<Answer>,
    },
}

impl Deed {
    /// A call is made.
    pub fn calls(&mut self, call: Call, arguments: [u32; 5]) {
        self.kind = Kind::Called {
            call,
            arguments,
            starved: false,
            answer: None,
        };
    }

    /// It has ended so. If it `is_starved`, no frame was available meanwhile.
    pub fn is_answered(&mut self, how: Answer, is_starved: bool) {
        if let Kind::Called {
            answer, starved, ..
        } = &mut self.kind
        {
            (*answer, *starved) = (Some(how), is_starved);
        }
    }

    /// The call that was made, if one was.
    pub fn call(&self) -> Option<Call> {
        match self.kind {
            Kind::Called { call, .. } => Some(call),
            _ => None,
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.0;
        match self.env {
            0 => write!(f, "CPU {cpu}: ")?,
            env => write!(f, "{env:x} on CPU {cpu}: ")?,
        }
        match self.kind {
            Kind::Waited => f.write_str("time passes"),
            Kind::Timer => f.write_str("the timer rings"),
            Kind::Interrupt => f.write_str("an interrupt comes"),
            Kind::Touched(va) => write!(f, "uses memory at {va:#x}"),
            Kind::UsedFpu => f.write_str("uses the x87"),
            Kind::Raised => f.write_str("raises an exception"),
            Kind::Called {
                call,
                arguments,
                starved,
                answer,
            } => {
                write!(f, "{}(", call.name())?;
                for (index, argument) in arguments.iter().take(arity(call)).enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{argument:#x}")?;
                }
                f.write_str(")")?;
                if starved {
                    f.write_str(", while no memory is free,")?;
                }
                match answer {
                    Some(answer) => write!(f, " {}", answered(answer)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// How many arguments a call has.
fn arity(call: Call) -> usize {
    match call {
        Call::GetEnvId | Call::Exofork | Call::Yield | Call::Features | Call::Getc => 0,
        Call::Cgetc | Call::TimeMsec | Call::TimeUsec => 0,
        Call::EnvDestroy | Call::IpcRecv | Call::Sbrk => 1,
        Call::JobCreate | Call::JobDestroy | Call::JobSize => 1,
        Call::PageAlloc | Call::EnvSetExceptionUpcall | Call::EnvSetScheduling => 3,
        Call::FutexWait | Call::FutexWake => 3,
        Call::IpcTrySend | Call::IpcSend | Call::PageCopy => 4,
        Call::PageMap | Call::IpcCall | Call::IpcReply => 5,
        _ => 2,
    }
}

fn answered(answer: Answer) -> String {
    match answer {
        Answer::Value(value) => format!("returns {value:#x}"),
        Answer::Failed(error) => format!("fails: {}", error.message()),
        Answer::Left(_) => "does not return yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Error;

    #[test]
    fn calls_have_their_arguments_and_no_more() {
        let deed = |call, answer| Deed {
            env: 0x1001,
            cpu: CpuId(1),
            kind: Kind::Called {
                call,
                arguments: [0, 0x40_0000, 7, 8, 9],
                starved: false,
                answer,
            },
        };
        let told = deed(Call::PageAlloc, Some(Answer::Value(0))).to_string();
        assert_eq!(
            told,
            "1001 on CPU 1: page_alloc(0x0, 0x400000, 0x7) returns 0x0"
        );
        let told = deed(Call::Exofork, Some(Answer::Failed(Error::NoMem))).to_string();
        assert_eq!(told, "1001 on CPU 1: exofork() fails: out of memory");
        assert_eq!(
            deed(Call::Yield, None).to_string(),
            "1001 on CPU 1: yield()"
        );
    }
}
