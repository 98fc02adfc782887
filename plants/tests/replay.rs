//! What replay notices: another kernel than the one that was recorded.

use crate::logs::logged_run;
use kcore::plant::during;
use sim::replay::replay;

#[test]
fn another_kernel_does_not_give_the_same_answers() {
    // With any plant awake the kernel takes no shortcuts. So that only what is
    // wrong makes the difference, the logs are of one that takes none either.
    let logs =
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map(|seed| during("long-way", || logged_run(seed, 3000)));
    for log in &logs {
        assert!(during("long-way", || replay(log)).is_ok());
    }
    for plant in [
        "skip-remote-flush",
        "skip-wake",
        "skip-stop",
        "skip-limbo",
        "exofork-result",
        "yield-returns",
        "cpu-zero",
        "destroy-nothing",
        "id-without-generation",
        "cputs-off-by-one",
    ] {
        let difference = logs
            .iter()
            .find_map(|log| during(plant, || replay(log)).err())
            .unwrap_or_else(|| panic!("{plant} is not noticed"));
        println!("{plant}: {difference}");
    }
}
