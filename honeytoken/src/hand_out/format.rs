//! The formats: how a key and its secret are written where people keep such things.

use std::fmt::{self, Write};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::Handout;
use super::quote::{Quote, Quoted};

/// Formats: a name, and how the name of a file of it ends.
macro_rules! formats {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $ending:literal; )+) => {
        /// A format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Format { $( $(#[doc = $doc])+ $variant, )+ }

        impl Format {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name on the command line.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// How the name of a file of this format ends, with the dot.
            pub(crate) const fn ending(self) -> &'static str {
                match self { $(Self::$variant => $ending,)+ }
            }
        }
    };
}

formats! {
    /// The token's record, with the key and its secret: what `plant` and `drill` read.
    Json = "json", ".json";
    /// `~/.aws/credentials`.
    Credentials = "credentials", ".credentials";
    /// `~/.aws/config`.
    Config = "config", ".config";
    /// `.env`.
    Env = "env", ".env";
    /// A shell's `export` lines.
    Export = "export", ".sh";
    /// `PowerShell`.
    Powershell = "powershell", ".ps1";
    /// A batch file.
    Cmd = "cmd", ".cmd";
    /// RFC 4180, with what is known of the token.
    Csv = "csv", ".csv";
    /// What the AWS console lets people download.
    CsvConsole = "csv-console", "_accessKeys.csv";
    /// `terraform.tfvars`.
    Tfvars = "tfvars", ".tfvars";
    /// `terraform.tfvars.json`.
    TfJson = "tf-json", ".tfvars.json";
    /// `docker run --env-file`, which knows no quotation marks.
    DockerEnv = "docker-env", ".list";
    /// A Kubernetes Secret.
    K8sSecret = "k8s-secret", ".yaml";
    /// Variables in `.gitlab-ci.yml`.
    GitlabCi = "gitlab-ci", ".gitlab-ci.yml";
    /// `~/.s3cfg` of s3cmd.
    S3cfg = "s3cfg", ".s3cfg";
    /// `~/.boto`.
    Boto = "boto", ".boto";
    /// `rclone.conf`.
    Rclone = "rclone", ".conf";
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|format| format.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("`{}` is not a format: {}", name.escape_default(), names.join(", "))
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Room for all but the longest notes: a text that grows leaves copies of itself in memory.
const ROOM: usize = 4096;

impl Format {
    /// All that is in a file of this format.
    pub(crate) fn render(self, handout: &Handout<'_>) -> Zeroizing<String> {
        self.text(handout, true)
    }

    /// The same for a stream in which others may stand before it (`first` says that none does): without the header.
    pub(super) fn text(self, handout: &Handout<'_>, first: bool) -> Zeroizing<String> {
        let record = if self == Self::Json { handout.record(None) } else { String::new() };
        let more = 4 * (handout.secret.reveal().len() + handout.token.owner.len() + handout.token.location.len());
        let mut text = Zeroizing::new(String::with_capacity(ROOM + record.len() + more));
        // Nothing that is written into memory fails.
        let _ = self.write(&mut text, handout, &record, first);
        text
    }

    fn write(self, out: &mut String, handout: &Handout<'_>, record: &str, first: bool) -> fmt::Result {
        let Handout { token, key, profile, .. } = *handout;
        let (secret, region) = (handout.secret.reveal(), handout.region.map(AsRef::as_ref));
        match self {
            Self::Json => {
                let fields = record.strip_suffix('}').unwrap_or(record);
                let secret = Quoted(secret, Quote::Json);
                writeln!(out, r#"{fields},"access_key_id":"{key}","secret_access_key":{secret}}}"#)
            }
            Self::Credentials => section(out, profile, &AWS, handout),
            Self::Config if profile == "default" => section(out, profile, &AWS, handout),
            Self::Config => section(out, format_args!("profile {profile}"), &AWS, handout),
            Self::Boto => section(out, "Credentials", &["aws_access_key_id", "aws_secret_access_key", ""], handout),
            Self::S3cfg => section(out, "default", &["access_key", "secret_key", "bucket_location"], handout),
            Self::Rclone => {
                section(out, profile, &RCLONE, handout)?;
                writeln!(out, "type = s3\nprovider = AWS\nenv_auth = false")
            }
            Self::Env => assign(out, handout, "", Quote::Dotenv, ""),
            Self::DockerEnv => assign(out, handout, "", Quote::Plain, ""),
            Self::Export => assign(out, handout, "export ", Quote::Shell, ""),
            Self::Cmd => assign(out, handout, "set \"", Quote::Cmd, "\"\r"),
            Self::Powershell => variables(out, handout, &ENVIRONMENT, |out, name, value| {
                writeln!(out, "$env:{name} = {}", Quoted(value, Quote::Powershell))
            }),
            Self::Tfvars => variables(out, handout, &TERRAFORM, |out, name, value| {
                writeln!(out, "{name:14} = {}", Quoted(value, Quote::Hcl))
            }),
            Self::TfJson => {
                out.write_str("{")?;
                let mut comma = "";
                variables(out, handout, &TERRAFORM, |out, name, value| {
                    write!(out, "{comma}\n  \"{name}\": {}", Quoted(value, Quote::Json))?;
                    comma = ",";
                    Ok(())
                })?;
                out.write_str("\n}\n")
            }
            Self::GitlabCi => {
                out.write_str("variables:\n")?;
                variables(out, handout, &ENVIRONMENT, |out, name, value| {
                    writeln!(out, "  {name}: {}", Quoted(value, Quote::Gitlab))
                })
            }
            Self::K8sSecret => {
                let start = if first { "" } else { "---\n" };
                writeln!(out, "{start}apiVersion: v1\nkind: Secret\nmetadata:")?;
                writeln!(out, "  name: {}", Quoted(&kubernetes_name(&token.id), Quote::Json))?;
                out.write_str("type: Opaque\nstringData:\n")?;
                variables(out, handout, &ENVIRONMENT, |out, name, value| {
                    writeln!(out, "  {name}: {}", Quoted(value, Quote::Json))
                })
            }
            Self::CsvConsole => {
                if first {
                    out.write_str("Access key ID,Secret access key\r\n")?;
                }
                write!(out, "{key},{}\r\n", Quoted(secret, Quote::Csv))
            }
            Self::Csv => {
                if first {
                    out.write_str("token,account,user_name,access_key_id,secret_access_key,region,owner,location\r\n")?;
                }
                let fields = [
                    token.token.as_str(),
                    token.account.as_str(),
                    &token.id,
                    key,
                    secret,
                    region.unwrap_or_default(),
                    &no_formula(&token.owner),
                    &no_formula(&token.location),
                ];
                for (number, field) in fields.into_iter().enumerate() {
                    let comma = if number == 0 { "" } else { "," };
                    write!(out, "{comma}{}", Quoted(field, Quote::Csv))?;
                }
                out.write_str("\r\n")
            }
        }
    }
}

/// How a key, its secret and its region are called in a language; an empty name is one that it has not.
type Names = [&'static str; 3];

const AWS: Names = ["aws_access_key_id", "aws_secret_access_key", "region"];
const RCLONE: Names = ["access_key_id", "secret_access_key", "region"];
const ENVIRONMENT: Names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"];
const TERRAFORM: Names = ["aws_access_key", "aws_secret_key", "aws_region"];

/// What there is to write, by name.
fn variables(
    out: &mut String,
    handout: &Handout<'_>,
    names: &Names,
    mut write: impl FnMut(&mut String, &str, &str) -> fmt::Result,
) -> fmt::Result {
    let values = [Some(handout.key), Some(handout.secret.reveal()), handout.region.map(AsRef::as_ref)];
    for (name, value) in names.iter().zip(values) {
        if let Some(value) = value
            && !name.is_empty()
        {
            write(out, name, value)?;
        }
    }
    Ok(())
}

/// A section of an INI file.
fn section(out: &mut String, name: impl fmt::Display, names: &Names, handout: &Handout<'_>) -> fmt::Result {
    writeln!(out, "[{name}]")?;
    variables(out, handout, names, |out, name, value| writeln!(out, "{name} = {value}"))
}

/// Assignments to environment variables, one a line.
fn assign(out: &mut String, handout: &Handout<'_>, before: &str, quote: Quote, behind: &str) -> fmt::Result {
    variables(out, handout, &ENVIRONMENT, |out, name, value| {
        writeln!(out, "{before}{name}={}{behind}", Quoted(value, quote))
    })
}

/// A name as Kubernetes takes it: lower case letters, digits, `-` and `.`, a letter or digit at both ends.
fn kubernetes_name(user: &str) -> String {
    let fit = |character: char| match character.to_ascii_lowercase() {
        lower @ ('a'..='z' | '0'..='9' | '-' | '.') => lower,
        _ => '-',
    };
    let name: String = user.chars().map(fit).collect();
    // Between dots, too.
    let parts: Vec<_> = name.split('.').map(|part| part.trim_matches('-')).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "aws".to_owned() } else { parts.join(".") }
}

/// A text that a spreadsheet takes for no formula.
fn no_formula(text: &str) -> String {
    let mark = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{mark}{text}")
}
