//! Arrows: a message or a fork, from where it was caused to where it has an effect.
//!
//! The hard thing is that both ends have to be found. A message is delivered in the step
//! of its sender, and arrives when its receiver next gets a CPU; or in the step of its
//! receiver, and then it comes from where the sender began to wait. Two CPUs' clocks may
//! differ; yet nothing arrives before it was sent.

use std::collections::HashMap;

use abi::EnvId;
use kcore::ids::CpuId;
use witness::trace::{Content, Record};

/// A moment on a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In nanoseconds.
    pub at: u64,
    /// Where.
    pub cpu: CpuId,
}

/// What an arrow stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A message.
    Message,
    /// A new environment.
    Fork,
}

/// From one environment to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrow {
    /// What for.
    pub means: Means,
    /// Sender or parent.
    pub from: EnvId,
    /// Receiver or child.
    pub to: EnvId,
    /// Where it was sent or made.
    pub tail: Place,
    /// Where it arrives or first runs.
    pub head: Place,
}

/// Arrows, while their heads are still to come.
#[derive(Debug, Default)]
pub struct Arrows {
    done: Vec<Arrow>,
    /// Arrows to those who have no CPU yet.
    coming: HashMap<EnvId, Vec<Arrow>>,
    /// Where somebody began to wait until it can send.
    waiting: HashMap<EnvId, Place>,
}

impl Arrows {
    /// Takes a record; only from `wanted` ones arrows begin.
    pub fn take(&mut self, at: u64, record: &Record, wanted: bool) {
        let here = Place {
            at,
            cpu: record.cpu,
        };
        let arrow = |means, from, to, tail| Arrow {
            means,
            from,
            to,
            tail,
            head: here,
        };
        match record.content {
            Content::Switched { .. } => {
                for waiting in self.coming.remove(&record.env).unwrap_or_default() {
                    let at = at.max(waiting.tail.at);
                    let head = Place { at, ..here };
                    self.done.push(Arrow { head, ..waiting });
                }
            }
            Content::Sends { .. } => {
                self.waiting.insert(record.env, here);
            }
            Content::Delivered { to, from, .. } => {
                let tail = self.waiting.remove(&from);
                match (wanted, record.env == to, tail) {
                    (false, ..) | (_, true, None) => {}
                    (_, true, Some(tail)) => {
                        let mut it = arrow(Means::Message, from, to, tail);
                        it.head.at = at.max(tail.at);
                        self.done.push(it);
                    }
                    _ => self.expect(arrow(Means::Message, from, to, here)),
                }
            }
            Content::Born { env, parent, .. } if wanted && parent != EnvId::NONE => {
                self.expect(arrow(Means::Fork, parent, env, here));
            }
            // Whatever was on its way to it does not arrive.
            Content::Died { env, .. } => {
                self.coming.remove(&env);
                self.waiting.remove(&env);
            }
            _ => {}
        }
    }

    fn expect(&mut self, arrow: Arrow) {
        self.coming.entry(arrow.to).or_default().push(arrow);
    }

    /// All that arrived, in the order in which they set out.
    pub fn finish(mut self) -> Vec<Arrow> {
        self.done
            .sort_by_key(|it| (it.tail.at, it.tail.cpu.0, it.head.at, it.head.cpu.0));
        self.done
    }
}

#[cfg(test)]
#[path = "arrows_tests.rs"]
mod tests;
