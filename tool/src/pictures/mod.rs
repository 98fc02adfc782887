//! Pictures of a trace: the same model drawn as a page, as a drawing and as a file for
//! Perfetto.
//!
//! Reading order: [`model`] says who ran when and what was sent to whom, [`words`] says
//! an event in words, [`output`] writes a file; the rest is one file a format.
//!
//! The hard thing is what a trace does not tell. It says when a step of the kernel began
//! and not when it ended, so kernel time is marks and never bars; and where records
//! were lost nobody is drawn, rather than somebody who may have been gone.

pub mod arrows;
pub mod colours;
pub mod html;
pub mod memory;
pub mod model;
pub mod output;
pub mod perfetto;
pub mod svg;
pub mod words;

#[cfg(test)]
mod made;

use crate::cli::Trace as Options;
use crate::report::note;
use crate::status;
use crate::trace_file::Trace;
use crate::trace_filter::Selection;

use model::{Builder, Model};

/// As many events as a picture may have: with more a browser takes long to open it.
pub const MOST: usize = 2_000_000;

/// Draws a trace in each format that is asked for.
pub fn draw(options: &Options) -> anyhow::Result<u8> {
    let model = read(options)?;
    let name = options.file.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    if let Some(path) = &options.html {
        output::write(path, &html::page(&model, &name)?)?;
    }
    if let Some(path) = &options.svg {
        output::write(path, &svg::drawing(&model, &name))?;
    }
    if let Some(path) = &options.perfetto {
        output::write(path, &perfetto::events(&model))?;
    }
    if let Some(path) = &options.memory {
        output::write(path, &memory::drawing(&model, &name))?;
    }
    if model.lost > 0 {
        note(format_args!(
            "{} records of this trace are lost: what is not known is drawn as a gap",
            model.lost
        ));
    }
    Ok(status::CLEAN)
}

/// The model of a trace: who ran when comes from all records, events and arrows from
/// those that pass the filters.
fn read(options: &Options) -> anyhow::Result<Model> {
    let trace = Trace::open(&options.file)?;
    let mut builder = Builder::new(trace.head.hz, trace.head.lost);
    let mut selection = Selection::new(options);
    let limit = options.limit.unwrap_or(u64::MAX);
    let mut matched = 0;
    for record in trace {
        let refuse = |why: &dyn std::fmt::Display| crate::regular_file::refusal(&options.file, why);
        let record = record.map_err(|error| refuse(&format_args!("{error:#}")))?;
        let wanted = selection.wants(&record) && matched < limit;
        matched += u64::from(wanted);
        builder.add(&record, wanted).map_err(|why| refuse(&why))?;
        if builder.events() > MOST {
            return Err(refuse(&format_args!(
                "more than {MOST} events are too many for a picture: ask for fewer with --kind, --env or --limit"
            )));
        }
    }
    Ok(builder.finish())
}
