//! What `hello` prints, whatever the order in which things happen.

#[test]
fn it_says_hello() {
    jostle_test::program("hello").prints("hello, world\ni am environment 00001000");
}

#[test]
#[should_panic(expected = "/jostle debug ")]
fn what_it_does_not_say_is_missed() {
    let hello = jostle_test::program("hello").cpus(1).schedules(2);
    hello.prints("hello, world\nhello, again");
}

#[test]
#[should_panic(expected = "of 100 fails: it prints \"BUG\"")]
fn a_race_is_found() {
    jostle_test::program("racycount").never_prints("BUG");
}

#[test]
#[should_panic(expected = "of 1000 fails: somebody sleeps for ever")]
fn a_wait_without_an_end_is_found() {
    let lostwake = jostle_test::program("lostwake").cpus(2);
    lostwake.schedules(1000).ends();
}

#[test]
fn a_wait_without_an_end_may_be_meant() {
    let lostwake = jostle_test::program("lostwake").cpus(2);
    lostwake.schedules(1000).may_wait().ends();
}

#[test]
#[should_panic(expected = "schedule 1 of 2 fails: an environment is killed")]
fn a_program_that_is_killed_has_failed() {
    jostle_test::program("faultread").schedules(2).ends();
}

#[test]
#[should_panic(expected = "no program \"helo\"; did you mean hello?")]
fn a_wrong_name_is_told() {
    jostle_test::program("helo").ends();
}
