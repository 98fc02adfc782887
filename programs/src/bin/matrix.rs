//! A matrix is multiplied by a grid of environments, one for each element, that
//! do nothing but pass numbers on: west to east the factors, north to south the
//! sums. After C. A. R. Hoare, "Communicating Sequential
//! Processes", 1978, section 6.2.
//!
//! The hard thing: there a receiver names its sender, here messages come from
//! both sides in any order. So each message says which side it is from, and an
//! element that gets two from one side keeps the second.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::{EnvId, Error, Fork, fork, ipc, println, sys};

const N: usize = 3;
type Matrix = [[u32; N]; N];

const LEFT: Matrix = [[2, 7, 1], [8, 2, 8], [1, 8, 2]];
const RIGHT: Matrix = [[3, 1, 4], [1, 5, 9], [2, 6, 5]];
/// Set in what comes from the north; the rest is the number.
const FROM_NORTH: u32 = 1 << 31;

user::program!(main);

fn main() {
    if let Err(error) = multiply() {
        panic!("{}", error.message());
    }
}

fn multiply() -> Result<(), Error> {
    let parent = sys::getenvid();
    // From the last to the first: a receiver must be there before its senders.
    let mut grid = [[EnvId::NONE; N]; N];
    for row in (0..N).rev() {
        for column in (0..N).rev() {
            let east = grid[row].get(column + 1).copied();
            let south = grid.get(row + 1).map_or(parent, |below| below[column]);
            match fork()? {
                Fork::Parent(cell) => grid[row][column] = cell,
                Fork::Child => return pass_on(RIGHT[row][column], east, south),
            }
        }
    }
    if fork()? == Fork::Child {
        return feed(&grid);
    }
    let mut product = [[0; N]; N];
    let mut rows = [0; N];
    for _ in 0..N * N {
        let message = ipc::recv()?;
        let column = grid[N - 1].iter().position(|&cell| cell == message.from);
        let column = column.ok_or(Error::BadEnv)?;
        product[rows[column]][column] = message.value & !FROM_NORTH;
        rows[column] += 1;
    }
    for row in product {
        println!("{:4} {:4} {:4}", row[0], row[1], row[2]);
    }
    Ok(())
}

/// The borders: rows of the left matrix from the west, zeros from the north.
fn feed(grid: &[[EnvId; N]; N]) -> Result<(), Error> {
    for row in LEFT {
        for (cells, value) in grid.iter().zip(row) {
            ipc::send(cells[0], value)?;
        }
        for &cell in &grid[0] {
            ipc::send(cell, FROM_NORTH)?;
        }
    }
    Ok(())
}

/// A cell, for as long as there are rows.
fn pass_on(factor: u32, east: Option<EnvId>, south: EnvId) -> Result<(), Error> {
    let (mut west, mut north) = (Side::default(), Side::default());
    for row in 0..N {
        while west.count <= row || north.count <= row {
            let value = ipc::recv()?.value;
            let side = if value & FROM_NORTH == 0 {
                &mut west
            } else {
                &mut north
            };
            side.keep(value & !FROM_NORTH);
        }
        let x = west.values[row];
        if let Some(east) = east {
            ipc::send(east, x)?;
        }
        ipc::send(south, FROM_NORTH | (north.values[row] + factor * x))?;
    }
    Ok(())
}

/// What came from one side.
#[derive(Default)]
struct Side {
    values: [u32; N],
    count: usize,
}

impl Side {
    fn keep(&mut self, value: u32) {
        self.values[self.count] = value;
        self.count += 1;
    }
}
