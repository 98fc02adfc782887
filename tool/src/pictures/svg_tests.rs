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

#[test]
fn times_have_the_unit_that_suits_them() {
    let told = [0, 1, 1_500, 999_999, 1_000_000, 2_500_000, 3_000_000_000].map(time);
    let expected = [
        "0",
        "0.001 µs",
        "1.5 µs",
        "999.999 µs",
        "1 ms",
        "2.5 ms",
        "3 s",
    ];
    assert_eq!(told, expected);
}

#[test]
fn no_control_character_gets_into_a_drawing() {
    assert_eq!(escaped("a\u{1b}[2J\n<&amp;"), "a[2J&lt;&amp;amp;");
}

/// From the lower edge of the upper bar to the upper edge of the lower one, and back.
#[test]
fn an_arrow_goes_from_edge_to_edge() {
    let arrows = |records: &[Record]| {
        let model = made::model(records);
        Sheet { end: 1000 }.arrows(&model)
    };
    let [upper, lower] = [Sheet::y(0) + BAR, Sheet::y(1)];
    let down = arrows(&made::family());
    assert!(down.contains(&format!(" {upper}L")), "{down}");
    assert!(down.contains(&format!(" {lower}\"")), "{down}");
    let mut turned = made::family();
    turned.iter_mut().for_each(|it| it.cpu.0 = 1 - it.cpu.0);
    let up = arrows(&turned);
    assert!(up.contains(&format!(" {lower}L")), "{up}");
    assert!(up.contains(&format!(" {upper}\"")), "{up}");
}

#[test]
fn what_arrives_after_the_drawings_end_is_left_out() {
    let model = made::model(&made::family());
    let arrows = |end| Sheet { end }.arrows(&model).lines().count();
    assert_eq!([199, 200, 500].map(arrows), [0, 1, 2]);
}

#[test]
fn faults_and_calls_have_marks_of_their_own() {
    let call = Cause::Call {
        fast: false,
        personality: abi::Personality::ALL[0],
        number: 1,
    };
    let class = |cause| {
        let entered = made::entered(0, 0, ONE, cause, [0; 3]);
        MARKS[mark(&entered).expect("a mark")].0
    };
    let told = [
        call,
        Cause::PageFault,
        Cause::Exception(abi::trap::Vector(13)),
        Cause::Timer,
    ]
    .map(class);
    assert_eq!(told, ["call", "fault", "fault", "timer"]);
}

#[test]
fn the_legend_counts_whom_it_does_not_name() {
    let legend = |count: i32| {
        let mut records = vec![made::woken(0, 0)];
        records.extend((0..count).map(|env| made::switched(1, 0, abi::EnvId(0x1000 + env))));
        drawing(&made::model(&records), "x")
    };
    assert!(!legend(28).contains("more environments"));
    assert!(legend(29).contains("and 1 more environments"));
}
