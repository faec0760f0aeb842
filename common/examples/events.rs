//! Reads CloudTrail's records from stdin, in whatever they come, and writes their ids, one a line: what
//! `common/benches/events.py` measures.

use std::io::{self, BufWriter, Write};

use common::event::{Events, Record, What};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    for found in Events::new(io::stdin().lock()) {
        if let What::Record(item) = found?.what {
            writeln!(out, "{}", Record::parse(&item.text)?.event_id)?;
        }
    }
    out.flush()?;
    Ok(())
}
