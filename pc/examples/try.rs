use pc::{Config, Pc};
use sim::machine::{Machine, Program, Spec, Store};
fn main() {
    let mut args = std::env::args().skip(1);
    let cpus: u8 = args.next().unwrap().parse().unwrap();
    let seed: u64 = args.next().unwrap().parse().unwrap();
    let spec = Spec { frames: 128 * 256, module_frames: 4096, cpus, lifecycle: true, console: 32 * 1024, ..Spec::default() };
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    for path in args {
        let image = std::fs::read(path).unwrap();
        machine.boot_program(Program { image: &image, personality: abi::Personality::Lab6, ..Program::default() }).unwrap();
    }
    let mut pc = Pc::new(machine, Config { seed });
    let start = std::time::Instant::now();
    let mut rounds = 0u64;
    while !pc.has_ended() && !pc.is_asleep() && start.elapsed().as_secs() < 60 {
        pc.round();
        rounds += 1;
        let out = pc.take_output();
        if !out.is_empty() { use std::io::Write; std::io::stdout().write_all(&out).unwrap(); }
    }
    let t = start.elapsed().as_secs_f64();
    eprintln!("{} instr, {} rounds, {:.2} s, {:.1} M/s, ended {} asleep {} audit {:?} stray {:?}", pc.executed(), rounds, t, pc.executed() as f64 / t / 1e6, pc.has_ended(), pc.is_asleep(), pc.machine.audit(), pc.machine.stray());
}
