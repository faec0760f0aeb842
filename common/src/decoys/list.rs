//! A list of decoys, as `honeytoken export` writes it: any stream of `token` records.

use std::io::Read;
use std::path::Path;

use super::{Decoy, DecoysError, decoy};
use crate::record::Token;
use crate::reference::Reference;
use crate::stream::{ReadError, Reader};

/// Reads the decoys of a list; the tokens that were deleted are none.
pub(super) fn read(path: &Path, input: impl Read) -> Result<Vec<Decoy>, DecoysError> {
    let broken = |broken| DecoysError::Broken { path: path.to_owned(), broken: Box::new(broken) };
    let mut decoys = Vec::new();
    for item in Reader::new(input) {
        let item = match item {
            Ok(item) => item,
            Err(ReadError::Broken(what)) => return Err(broken(what)),
            Err(ReadError::Io { source, .. }) => {
                return Err(DecoysError::Read { path: path.to_owned(), error: source });
            }
        };
        let Token { token, state, account, region, r#type: kind, id, arn, .. } = item.parse().map_err(broken)?;
        let decoy = decoy(token, Reference { account, region, kind, id }, &arn)
            .map_err(|why| DecoysError::Senseless { path: path.to_owned(), line: item.line, why })?;
        decoys.extend(state.is_there().then_some(decoy));
    }
    Ok(decoys)
}
