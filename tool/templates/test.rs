//! What `NAME` prints, in whatever order its environments run.

#[test]
fn the_child_answers() {
    jostle_test::program(PROGRAM)
        .schedules(100)
        .prints("NAME: I am environment 00001000\nNAME: 00001001 answers 42");
}
