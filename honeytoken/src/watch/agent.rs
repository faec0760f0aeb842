//! With what a call was made, in a word: the family of the tool, from a user agent. It is what the caller says of itself, and
//! can be anything: good for telling one tool from another, and no proof.

/// What marks a tool wherever it stands in the user agent, in lower case: those that people break in with come first, since
/// they name the SDK that they use as well.
const ANYWHERE: &[(&str, &str)] = &[
    ("pacu", "pacu"),
    ("trufflehog", "trufflehog"),
    ("gitleaks", "gitleaks"),
    ("nosey", "noseyparker"),
    ("keyhacks", "keyhacks"),
    ("enumerate-iam", "enumerate-iam"),
    ("cloudfox", "cloudfox"),
    ("stratus-red-team", "stratus-red-team"),
    ("scoutsuite", "scoutsuite"),
    ("scout suite", "scoutsuite"),
    ("prowler", "prowler"),
    ("cloudsploit", "cloudsploit"),
    ("steampipe", "steampipe"),
    ("terraform", "terraform"),
    ("opentofu", "opentofu"),
    ("pulumi", "pulumi"),
    ("ansible", "ansible"),
    ("aws-cdk", "aws-cdk"),
    ("cyberduck", "cyberduck"),
    ("s3 browser", "s3-browser"),
    ("s3console", "console"),
    ("winscp", "winscp"),
    ("rclone", "rclone"),
    ("s3cmd", "s3cmd"),
    ("s5cmd", "s5cmd"),
    ("minio", "minio"),
    ("cloudshell", "cloudshell"),
    ("awspowershell", "powershell"),
    ("aws-toolkit", "aws-toolkit"),
];

/// What a user agent begins with, in lower case.
const FIRST: &[(&str, &str)] = &[
    ("aws-cli/", "aws-cli"),
    ("boto3/", "boto3"),
    ("botocore/", "botocore"),
    ("aiobotocore/", "botocore"),
    ("boto/", "boto"),
    ("aws-sdk-go", "aws-sdk-go"),
    ("aws-sdk-java", "aws-sdk-java"),
    ("aws-sdk-js", "aws-sdk-js"),
    ("aws-sdk-nodejs", "aws-sdk-js"),
    ("aws-sdk-php", "aws-sdk-php"),
    ("aws-sdk-ruby", "aws-sdk-ruby"),
    ("aws-sdk-dotnet", "aws-sdk-dotnet"),
    ("aws-sdk-rust", "aws-sdk-rust"),
    ("aws-sdk-cpp", "aws-sdk-cpp"),
    ("aws-sdk-swift", "aws-sdk-swift"),
    ("aws-sdk-kotlin", "aws-sdk-kotlin"),
    ("aws-sdk", "aws-sdk"),
    ("signin.amazonaws.com", "console"),
    ("console.amazonaws.com", "console"),
    ("console.aws", "console"),
    ("aws-internal", "aws-internal"),
    ("aws internal", "aws-internal"),
    ("mozilla/", "browser"),
    ("curl/", "curl"),
    ("wget/", "wget"),
    ("python-requests", "python-requests"),
    ("python-urllib", "python-urllib"),
    ("go-http-client", "go-http-client"),
    ("java/", "java"),
    ("okhttp", "okhttp"),
    ("postmanruntime", "postman"),
];

/// As much of a user agent as is looked at: CloudTrail keeps 1 KB.
const LONGEST: usize = 1024;

/// The tool's family; `None` where there is no user agent, or nobody knows it.
pub(crate) fn tool(user_agent: &str) -> Option<&'static str> {
    let agent: String = user_agent.chars().take(LONGEST).collect::<String>().to_ascii_lowercase();
    // S3 writes it in brackets.
    let agent = agent.trim().trim_start_matches('[').trim_end_matches(']').trim();
    let anywhere = ANYWHERE.iter().find(|(mark, _)| agent.contains(mark));
    let found = anywhere.or_else(|| FIRST.iter().find(|(mark, _)| agent.starts_with(mark)));
    found.map(|(_, tool)| *tool).or_else(|| {
        let is_service = agent.ends_with(".amazonaws.com") && !agent.contains([' ', '/']);
        is_service.then_some("aws-service")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_told_apart() {
        for (agent, expected) in [
            ("aws-cli/2.17.20 md/awscrt#0.21.2 ua/2.0 os/linux#6.6 lang/python#3.11.9", Some("aws-cli")),
            ("[aws-cli/2.17.20 Python/3.11]", Some("aws-cli")),
            ("Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux", Some("boto3")),
            ("Boto3/1.34.0 md/Botocore#1.34.0 Pacu", Some("pacu")),
            ("APN/1.0 HashiCorp/1.0 Terraform/1.9.0 aws-sdk-go-v2/1.30.3", Some("terraform")),
            ("aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22 TruffleHog", Some("trufflehog")),
            ("aws-sdk-rust/1.3.3 os/linux lang/rust/1.80.0", Some("aws-sdk-rust")),
            ("Mozilla/5.0 (X11; Linux x86_64)", Some("browser")),
            ("signin.amazonaws.com", Some("console")),
            ("config.amazonaws.com", Some("aws-service")),
            ("evil config.amazonaws.com", None),
            ("\u{1b}[2Jhello", None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(tool(agent), expected, "{agent}");
        }
        assert_eq!(tool(&"x".repeat(1 << 20)), None);
    }
}
