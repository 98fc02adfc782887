use super::super::arrows::{Arrow, Means, Place};
use super::super::made::{self, ONE, TWO, entered, family, idled, model, record, switched, woken};
use super::*;
use Who::{Nobody, Unknown};

fn row(model: &Model, cpu: usize) -> Vec<(u64, u64, Who)> {
    model.stretches(cpu).collect()
}

#[test]
fn rows_say_who_ran_when() {
    let model = model(&family());
    let [one, two] = [ONE, TWO].map(Who::Env);
    assert_eq!(row(&model, 0), [(0, 600, one), (600, 700, Nobody)]);
    let second = [
        (10, 200, Nobody),
        (200, 300, two),
        (300, 500, Nobody),
        (500, 700, two),
    ];
    assert_eq!(row(&model, 1), second);
    assert_eq!(model.end, 700);
}

#[test]
fn arrows_lead_to_where_the_other_runs_next() {
    let place = |at, cpu| Place {
        at,
        cpu: CpuId(cpu),
    };
    let arrow = |means, tail, head| Arrow {
        means,
        from: ONE,
        to: TWO,
        tail,
        head,
    };
    let expected = [
        arrow(Means::Fork, place(100, 0), place(200, 1)),
        arrow(Means::Message, place(400, 0), place(500, 1)),
    ];
    assert_eq!(model(&family()).arrows, expected);
}

#[test]
fn a_message_that_is_fetched_comes_from_where_its_sender_waits() {
    let sends = Content::Sends {
        to: TWO,
        value: 5,
        va: u32::MAX,
    };
    let delivered = Content::Delivered {
        to: TWO,
        from: ONE,
        value: 5,
        perm: 0,
    };
    let records = [
        entered(10, 0, ONE, Cause::Wake, [0; 3]),
        record(10, 0, ONE, sends),
        entered(90, 1, TWO, Cause::Wake, [0; 3]),
        record(90, 1, TWO, delivered),
    ];
    let arrows = model(&records).arrows;
    let ends: Vec<_> = arrows.iter().map(|it| (it.tail.at, it.head.at)).collect();
    assert_eq!(ends, [(0, 80)]);
}

#[test]
fn births_and_deaths_are_known() {
    let envs = model(&family()).envs;
    let told: Vec<_> = envs.iter().map(|it| (it.id, it.parent, it.died)).collect();
    assert_eq!(told, [(ONE, None, Some(600)), (TWO, Some(ONE), None)]);
}

/// What is not known is a gap, and nobody is drawn there.
#[test]
fn a_lost_switch_is_a_gap() {
    let mut records = family();
    let lost = records.remove(7);
    assert_eq!(lost, switched(1200, 1, TWO));
    let row = row(&model(&records), 1);
    assert_eq!(row[0], (10, 200, Nobody));
    assert_eq!(row[1], (200, 300, Unknown));
}

/// A step whose beginning was overwritten: the ring was too small for it.
#[test]
fn a_step_without_its_entry_is_a_gap() {
    let freed = Content::Freed {
        frame: kcore::Pfn(3),
    };
    let records = [
        woken(1000, 0),
        switched(1000, 0, ONE),
        entered(1100, 0, ONE, Cause::Timer, [0; 3]),
        record(1500, 0, ONE, freed),
        switched(1500, 0, TWO),
        entered(1600, 0, TWO, Cause::Timer, [0; 3]),
    ];
    let told = row(&model(&records), 0);
    let [one, two] = [ONE, TWO].map(Who::Env);
    assert_eq!(told, [(0, 100, one), (100, 500, Unknown), (500, 600, two)]);
}

#[test]
fn whoever_is_taken_off_a_cpu_or_ended_from_afar_runs_no_more() {
    let parked = Content::Parked {
        cpu: CpuId(1),
        env: TWO,
        eip: 0,
    };
    let before = [
        woken(1000, 1),
        switched(1000, 1, TWO),
        entered(1200, 0, ONE, Cause::Timer, [0; 3]),
    ];
    let died = Content::Died {
        env: TWO,
        killer: ONE,
        pgdir: kcore::Pfn(7),
    };
    for last in [parked, died] {
        let records = [&before[..], &[record(1200, 0, ONE, last), idled(1300, 0)]].concat();
        let told = row(&model(&records), 1);
        assert_eq!(told, [(0, 200, Who::Env(TWO)), (200, 300, Nobody)]);
    }
}

#[test]
fn clocks_that_differ_never_turn_a_row_back() {
    let records = [
        woken(1000, 0),
        switched(1000, 0, ONE),
        woken(990, 1),
        switched(985, 1, TWO),
        idled(999, 0),
    ];
    let model = model(&records);
    assert!(model.events.iter().all(|event| event.at == 0));
    assert_eq!(model.end, 1);
}

#[test]
fn filters_take_events_and_leave_the_rows() {
    let mut builder = Builder::new(1_000_000_000, 0);
    for record in family() {
        builder.add(&record, false).expect("a sound record");
    }
    let bare = builder.finish();
    assert!(bare.events.is_empty() && bare.arrows.is_empty());
    assert_eq!(bare.rows, model(&family()).rows);
}

#[test]
fn no_kernel_has_so_many_cpus() {
    let mut builder = Builder::new(1, 0);
    let refused = builder.add(&woken(0, 200), true);
    assert_eq!(refused, Err("damaged: a record of CPU 200".to_owned()));
    assert_eq!(made::model(&[]).end, 1);
}

#[test]
fn ticks_become_nanoseconds() {
    let mut builder = Builder::new(2_000_000, 0);
    for record in [woken(100, 0), woken(103, 0)] {
        builder.add(&record, true).expect("a sound record");
    }
    assert_eq!(builder.finish().end, 1500);
}

/// The clock of the CPU that asks may be behind that of the one that obeys.
#[test]
fn whoever_is_taken_off_a_cpu_left_it_no_earlier_than_its_last_record() {
    let parked = Content::Parked {
        cpu: CpuId(1),
        env: TWO,
        eip: 0,
    };
    let records = [
        woken(1000, 0),
        woken(1000, 1),
        switched(1200, 1, TWO),
        record(1100, 0, ONE, parked),
    ];
    let model = model(&records);
    let since: Vec<_> = model.rows[1].iter().map(|it| it.since).collect();
    assert_eq!(since, [0, 200, 200]);
}

#[test]
fn of_whom_only_the_death_is_told_it_is_known() {
    let died = Content::Died {
        env: TWO,
        killer: ONE,
        pgdir: kcore::Pfn(7),
    };
    let envs = model(&[woken(1000, 0), record(1100, 0, ONE, died)]).envs;
    let told: Vec<_> = envs.iter().map(|it| (it.id, it.born, it.died)).collect();
    assert_eq!(told, [(TWO, 100, Some(100))]);
}
