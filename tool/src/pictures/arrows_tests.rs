//! What the model's tests leave out of arrows.
//!
//! The hard thing is what must *not* be drawn: to whom a message is underway may die, and its
//! id may come again.

use super::super::made::{ONE, TWO, entered, model, record, switched, woken};
use super::*;
use kcore::Pfn;
use witness::trace::Cause;

const THREE: EnvId = EnvId(0x1002);

fn sent(now: u64, cpu: u8, from: EnvId, to: EnvId) -> Record {
    let content = Content::Delivered {
        to,
        from,
        value: 1,
        perm: 0,
    };
    // In the step of whoever sends.
    record(now, cpu, from, content)
}

fn died(now: u64, env: EnvId) -> Record {
    let (killer, pgdir) = (env, Pfn(7));
    record(now, 0, env, Content::Died { env, killer, pgdir })
}

fn ends(records: &[Record]) -> Vec<(u64, u64)> {
    let arrows = model(records).arrows;
    arrows.iter().map(|it| (it.tail.at, it.head.at)).collect()
}

#[test]
fn nothing_arrives_before_it_was_sent() {
    let records = [
        woken(1000, 0),
        woken(1000, 1),
        sent(1500, 0, ONE, TWO),
        switched(1400, 1, TWO),
    ];
    assert_eq!(ends(&records), [(500, 500)]);
}

#[test]
fn nothing_arrives_at_the_dead_or_at_whoever_has_their_id() {
    let records = [
        woken(1000, 0),
        sent(1100, 0, ONE, TWO),
        died(1200, TWO),
        switched(1300, 0, TWO),
    ];
    assert_eq!(ends(&records), []);
}

#[test]
fn nothing_comes_from_where_a_dead_one_waited() {
    let sends = Content::Sends {
        to: TWO,
        value: 5,
        va: u32::MAX,
    };
    let received = Content::Delivered {
        to: TWO,
        from: ONE,
        value: 5,
        perm: 0,
    };
    let records = [
        woken(1000, 0),
        record(1100, 0, ONE, sends),
        died(1200, ONE),
        entered(1300, 1, TWO, Cause::Wake, [0; 3]),
        record(1300, 1, TWO, received),
    ];
    assert_eq!(ends(&records), []);
}

#[test]
fn arrows_are_in_the_order_in_which_they_set_out() {
    let records = [
        woken(1000, 0),
        sent(1100, 0, ONE, TWO),
        sent(1200, 0, ONE, THREE),
        switched(1300, 1, THREE),
        switched(1400, 1, TWO),
    ];
    assert_eq!(ends(&records), [(100, 400), (200, 300)]);
}

#[test]
fn the_kernels_own_have_no_parent_to_come_from() {
    let (env, parent, pgdir) = (ONE, EnvId::NONE, Pfn(7));
    let born = Content::Born { env, parent, pgdir };
    let records = [
        woken(1000, 0),
        record(1000, 0, EnvId::NONE, born),
        switched(1100, 0, ONE),
    ];
    assert_eq!(ends(&records), []);
}
