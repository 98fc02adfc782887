use super::super::made;
use super::*;

#[test]
fn a_page_has_all_its_parts_and_needs_no_other_file() {
    let page = page(&made::model(&made::family()), "x").expect("a page");
    for (place, part) in PARTS {
        assert!(page.contains(part) && !page.contains(place), "{place}");
    }
    assert!(!page.contains(DATA));
    for foreign in ["src=", "href=", "url(http", "@import", "fetch(", "XMLHttp"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn nothing_in_a_name_gets_out_of_the_data() {
    let page = page(&made::model(&[]), "</script><script>x()").expect("a page");
    assert!(!page.contains("</script><script>x"));
    assert!(page.contains("\\u003c/script>"));
}

#[test]
fn numbers_are_short() {
    let mut numbers = Numbers::default();
    for number in [0, 127, 128] {
        numbers.put(number);
    }
    numbers.put_signed(-1);
    numbers.put_signed(1);
    assert_eq!(numbers.0, [0, 127, 128, 1, 1, 2]);
}

#[test]
fn each_text_is_there_once() {
    let records: Vec<_> = (0..1000).map(|now| made::woken(now, 0)).collect();
    let data = data(&made::model(&records), "x");
    assert_eq!(data["texts"].as_array().map(Vec::len), Some(1));
    assert_eq!(data["count"], 1000);
}

/// The numbers of a column.
fn column(data: &Value, name: &str) -> Vec<u64> {
    let text = data[name].as_str().expect("a column");
    let bytes = BASE64_STANDARD.decode(text).expect("of base64");
    let (mut numbers, mut number, mut shift) = (Vec::new(), 0, 0);
    for byte in bytes {
        number |= u64::from(byte & 127) << shift;
        shift += 7;
        if byte < 128 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    numbers
}

#[test]
fn arrows_and_parents_are_as_in_the_model() {
    let data = data(&made::model(&made::family()), "x");
    let ids = data["ids"].as_array().expect("a list");
    let place = |id: EnvId| ids.iter().position(|it| *it == id.0).expect("known") as u64;
    let (one, two) = (place(made::ONE), place(made::TWO));
    // When, where from, how long, where to, what, by whom, to whom.
    let expected = [[100, 0, 100, 1, 1, one, two], [300, 0, 100, 1, 0, one, two]];
    assert_eq!(column(&data, "arrows"), expected.concat());
    let envs = [
        json!([made::ONE.0, 0, 0, 600]),
        json!([made::TWO.0, made::ONE.0, 100, -1]),
    ];
    assert_eq!(data["envs"], json!(envs));
}

/// As `page/src/story.rs` has them: the colours of the timeline.
#[test]
fn causes_have_the_classes_of_the_timeline() {
    let call = Cause::Call {
        fast: false,
        personality: abi::Personality::ALL[0],
        number: 1,
    };
    let classes = [
        Cause::Boot,
        call,
        Cause::Exception(abi::trap::Vector(13)),
        Cause::PageFault,
        Cause::Timer,
        Cause::Wake,
        Cause::ConsoleReady,
    ]
    .map(|it| cause(it).0);
    assert_eq!(classes, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(cause(Cause::ConsoleInput(b'x')).0, 6);
}
