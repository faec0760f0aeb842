//! Where a document is.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A file, or an object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// `s3://bucket/key`.
    S3(Object),
}

/// An object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

/// A place that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no object in S3: s3://bucket/key is expected")]
pub struct PlaceError(String);

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let Some(object) = text.strip_prefix("s3://") else {
            let path: Result<PathBuf, Infallible> = text.parse();
            return path.map(Self::File).map_err(|never| match never {});
        };
        match object.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() && !key.ends_with('/') => {
                Ok(Self::S3(Object { bucket: bucket.to_owned(), key: key.to_owned() }))
            }
            _ => Err(PlaceError(text.to_owned())),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "{}", path.display()),
            Self::S3(object) => object.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_or_an_object() {
        let object = |bucket: &str, key: &str| Object { bucket: bucket.to_owned(), key: key.to_owned() };
        for (text, expected) in [
            ("tasks.json", Place::File("tasks.json".into())),
            ("/var/lib/s3:/x", Place::File("/var/lib/s3:/x".into())),
            ("s3://acme/tasks.json", Place::S3(object("acme", "tasks.json"))),
            ("s3://acme/a/b c.json", Place::S3(object("acme", "a/b c.json"))),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in ["s3://", "s3://acme", "s3://acme/", "s3:///key", "s3://acme/folder/"] {
            assert_eq!(text.parse::<Place>(), Err(PlaceError(text.to_owned())), "{text}");
        }
    }
}
