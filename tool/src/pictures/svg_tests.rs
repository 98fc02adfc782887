use super::super::made::{self, ONE, TWO};
use super::*;

#[test]
fn a_drawing_shows_rows_marks_and_arrows() {
    let text = drawing(&made::model(&made::family()), "a <trace> & more");
    for part in [
        "CPU 0",
        "CPU 1",
        "a &lt;trace> &amp; more",
        "<title>[00001001]</title>",
        "<title>message from [00001000] to [00001001]</title>",
        "<title>new environment from [00001000] to [00001001]</title>",
        "<title>end</title>",
        "prefers-color-scheme:dark",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("records are lost"));
}

#[test]
fn lost_records_are_a_gap_and_are_counted() {
    let mut records = made::family();
    records.remove(7);
    let mut model = made::model(&records);
    model.lost = 1;
    let text = drawing(&model, "x");
    assert!(text.contains("<title>records are lost</title>"), "{text}");
    assert!(text.contains("1 records lost"), "{text}");
}

/// A hundred thousand changes of who runs are no more than a drawing can hold.
#[test]
fn what_is_narrower_than_a_point_is_merged() {
    let mut records = vec![made::woken(0, 0)];
    for now in 0..100_000 {
        let env = if now % 3 == 0 { TWO } else { ONE };
        records.push(made::switched(now * 10 + now % 3, 0, env));
    }
    let text = drawing(&made::model(&records), "x");
    assert!(text.len() < 400_000, "{}", text.len());
}

#[test]
fn a_column_shows_who_was_there_longest() {
    let records = [
        made::woken(0, 0),
        made::switched(0, 0, ONE),
        made::switched(500_000, 0, TWO),
        made::switched(500_001, 0, ONE),
        made::idled(1_000_000, 0),
    ];
    let model = made::model(&records);
    let sheet = Sheet::of(&model);
    let told: Vec<_> = sheet
        .columns(&model, 0)
        .into_iter()
        .map(|it| it.2)
        .collect();
    assert_eq!(told, [Who::Env(ONE)]);
}

#[test]
fn the_console_goes_on_without_the_drawing() {
    let mut records = made::family();
    records.extend([made::idled(1700, 1), made::woken(1_000_000, 0)]);
    let model = made::model(&records);
    assert_eq!((model.busy(), model.end), (700, 999_000));
    assert_eq!(Sheet::of(&model).end, 714);
    assert!(drawing(&model, "x").contains("CPU 1"));
}

#[test]
fn an_empty_trace_has_a_drawing() {
    assert!(drawing(&made::model(&[]), "x").ends_with("</svg>\n"));
}
