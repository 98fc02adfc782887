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
