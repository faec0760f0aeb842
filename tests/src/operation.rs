//! Which operation of which service a request is.

use std::fmt;

use crate::http::{Request, pairs};

/// A request to AWS, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As in the credential scope of the signature (`s3`, `ec2`, `iam`, `sqs`), and `s3control`, which signs as `s3`;
    /// `unsigned` for a request without a signature.
    pub service: String,
    /// As the API reference spells it: `GetBucketPolicy`. `GET /path` where the name cannot be told.
    pub operation: String,
    /// Of the credentials that signed it: tells one account's requests from another's.
    pub access_key: String,
    pub request: Request,
}

impl Call {
    pub fn of(request: Request) -> Self {
        // `AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=...`
        let signature = request.header("authorization").and_then(|value| value.split_once("Credential="));
        let scope = signature.map_or("", |(_, rest)| rest.split([',', ' ']).next().unwrap_or_default());
        let scope: Vec<&str> = scope.split('/').collect();
        let access_key = scope.first().copied().unwrap_or_default().to_owned();
        let service = match scope.get(3).copied() {
            Some("s3") if request.path().starts_with("/v20180820/") => "s3control",
            // Its endpoint's name is older than its own.
            Some("monitoring") => "cloudwatch",
            Some(service) => service,
            None => "unsigned",
        }
        .to_owned();
        let operation = operation(&service, &request);
        Self { service, operation, access_key, request }
    }

    /// `s3:GetBucketPolicy`: what the rules of a proxy and the counts go by.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.operation)
    }
}

fn operation(service: &str, request: &Request) -> String {
    if let Some(target) = request.header("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    // https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
    if let Some((_, name)) = request.path().split_once("/operation/")
        && speaks_cbor(request)
    {
        return name.to_owned();
    }
    match service {
        "s3" => s3(request),
        "s3control" => s3control(request),
        "guardduty" => guardduty(request),
        "lambda" => lambda(request),
        _ => {
            let form = request.text();
            let action = request.query().chain(pairs(&form)).find(|(key, _)| *key == "Action");
            action.map_or_else(|| unnamed(request), |(_, name)| name.to_owned())
        }
    }
}

/// Whether a request and its answer are CBOR.
pub(crate) fn speaks_cbor(request: &Request) -> bool {
    request.header("smithy-protocol") == Some("rpc-v2-cbor")
}

fn unnamed(request: &Request) -> String {
    format!("{} {}", request.method, request.path())
}

fn verb(request: &Request) -> Option<&'static str> {
    match request.method.as_str() {
        "GET" => Some("Get"),
        "PUT" => Some("Put"),
        "DELETE" => Some("Delete"),
        _ => None,
    }
}

fn s3control(request: &Request) -> String {
    match (verb(request), request.path()) {
        (Some(verb), "/v20180820/configuration/publicAccessBlock") => format!("{verb}PublicAccessBlock"),
        _ => unnamed(request),
    }
}

/// What a key in the query asks for, of a bucket and of an object.
const SUBRESOURCES: &[(&str, &str, &str)] = &[
    ("accelerate", "BucketAccelerateConfiguration", ""),
    ("acl", "BucketAcl", "ObjectAcl"),
    ("cors", "BucketCors", ""),
    ("encryption", "BucketEncryption", ""),
    ("lifecycle", "BucketLifecycleConfiguration", ""),
    ("location", "BucketLocation", ""),
    ("logging", "BucketLogging", ""),
    ("notification", "BucketNotificationConfiguration", ""),
    ("object-lock", "ObjectLockConfiguration", ""),
    ("ownershipControls", "BucketOwnershipControls", ""),
    ("policy", "BucketPolicy", ""),
    ("policyStatus", "BucketPolicyStatus", ""),
    ("publicAccessBlock", "PublicAccessBlock", ""),
    ("replication", "BucketReplication", ""),
    ("requestPayment", "BucketRequestPayment", ""),
    ("tagging", "BucketTagging", "ObjectTagging"),
    ("versioning", "BucketVersioning", ""),
    ("website", "BucketWebsite", ""),
];

/// Path style, which every SDK falls back to where the endpoint is an IP address.
fn s3(request: &Request) -> String {
    let path = request.path().trim_start_matches('/');
    let (bucket, object) = path.split_once('/').unwrap_or((path, ""));
    let asks = |name: &str| request.query().any(|(key, _)| key == name);
    let sub = SUBRESOURCES.iter().find(|(key, _, _)| asks(key)).map(
        |(_, bucket, of)| {
            if object.is_empty() { *bucket } else { *of }
        },
    );
    match (verb(request), sub) {
        // The one name that is not like its siblings.
        (Some("Delete"), Some("BucketLifecycleConfiguration")) => return "DeleteBucketLifecycle".to_owned(),
        (Some(verb), Some(name)) if !name.is_empty() => return format!("{verb}{name}"),
        _ => {}
    }
    match (request.method.as_str(), bucket.is_empty(), object.is_empty()) {
        ("GET", true, _) => "ListBuckets",
        ("GET", _, true) if asks("list-type") => "ListObjectsV2",
        ("GET", _, true) if asks("versions") => "ListObjectVersions",
        ("GET", _, true) if asks("uploads") => "ListMultipartUploads",
        ("GET", _, true) => "ListObjects",
        ("PUT", false, true) => "CreateBucket",
        ("HEAD", false, true) => "HeadBucket",
        ("DELETE", false, true) => "DeleteBucket",
        ("POST", false, true) if asks("delete") => "DeleteObjects",
        ("GET", _, false) => "GetObject",
        ("PUT", _, false) => "PutObject",
        ("HEAD", _, false) => "HeadObject",
        ("DELETE", _, false) if asks("uploadId") => "AbortMultipartUpload",
        ("DELETE", _, false) => "DeleteObject",
        ("POST", _, false) if asks("uploads") => "CreateMultipartUpload",
        _ => return unnamed(request),
    }
    .to_owned()
}

fn guardduty(request: &Request) -> String {
    let parts: Vec<&str> = request.path().split('/').filter(|part| !part.is_empty()).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["detector"]) => "ListDetectors",
        ("POST", ["detector"]) => "CreateDetector",
        ("GET", ["detector", _]) => "GetDetector",
        ("GET", ["detector", _, "administrator"]) => "GetAdministratorAccount",
        ("POST", ["admin", "enable"]) => "EnableOrganizationAdminAccount",
        _ => return unnamed(request),
    }
    .to_owned()
}

/// `/2015-03-31/functions/NAME/policy/SID`: a date, what it is about, whose, and a part of it.
fn lambda(request: &Request) -> String {
    let parts: Vec<&str> = request.path().split('/').skip(2).filter(|part| !part.is_empty()).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["functions"]) => "ListFunctions",
        ("POST", ["functions"]) => "CreateFunction",
        ("DELETE", ["functions", _]) => "DeleteFunction",
        ("GET", ["functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("GET", ["functions", _, "concurrency"]) => "GetFunctionConcurrency",
        ("PUT", ["functions", _, "concurrency"]) => "PutFunctionConcurrency",
        ("DELETE", ["functions", _, "concurrency"]) => "DeleteFunctionConcurrency",
        ("GET", ["functions", _, "policy"]) => "GetPolicy",
        ("POST", ["functions", _, "policy"]) => "AddPermission",
        ("DELETE", ["functions", _, "policy", _]) => "RemovePermission",
        ("GET", ["tags", ..]) => "ListTags",
        _ => return unnamed(request),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(service: &str, method: &str, target: &str, body: &str, headers: &[(&str, &str)]) -> Call {
        let signature =
            format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host");
        let mut request = Request {
            method: method.into(),
            target: target.into(),
            headers: vec![("Authorization".into(), signature)],
            body: body.into(),
        };
        request.headers.extend(headers.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        Call::of(request)
    }

    #[test]
    fn names_rest_operations_of_s3() {
        for (method, target, name) in [
            ("GET", "/", "ListBuckets"),
            ("GET", "/?max-buckets=10&x-id=ListBuckets", "ListBuckets"),
            ("GET", "/b?policy", "GetBucketPolicy"),
            ("GET", "/b/?policy=", "GetBucketPolicy"),
            ("PUT", "/b?policy", "PutBucketPolicy"),
            ("DELETE", "/b?policy", "DeleteBucketPolicy"),
            ("GET", "/b?policyStatus", "GetBucketPolicyStatus"),
            ("GET", "/b?acl", "GetBucketAcl"),
            ("GET", "/b/key?acl", "GetObjectAcl"),
            ("GET", "/b?tagging", "GetBucketTagging"),
            ("GET", "/b?encryption", "GetBucketEncryption"),
            ("GET", "/b?publicAccessBlock", "GetPublicAccessBlock"),
            ("DELETE", "/b?publicAccessBlock", "DeletePublicAccessBlock"),
            ("GET", "/b?location", "GetBucketLocation"),
            ("GET", "/b?lifecycle", "GetBucketLifecycleConfiguration"),
            ("DELETE", "/b?lifecycle", "DeleteBucketLifecycle"),
            ("PUT", "/b", "CreateBucket"),
            ("HEAD", "/b", "HeadBucket"),
            ("DELETE", "/b", "DeleteBucket"),
            ("GET", "/b?list-type=2&prefix=policy", "ListObjectsV2"),
            ("GET", "/b/policy", "GetObject"),
            ("PUT", "/b/a/deep/key?x-id=PutObject", "PutObject"),
            ("POST", "/b?delete", "DeleteObjects"),
            ("GET", "/b?versions&max-keys=1", "ListObjectVersions"),
            ("GET", "/b?uploads", "ListMultipartUploads"),
            ("POST", "/b/key?uploads", "CreateMultipartUpload"),
            ("DELETE", "/b/key?uploadId=1&x-id=AbortMultipartUpload", "AbortMultipartUpload"),
            ("DELETE", "/b/key", "DeleteObject"),
            ("PATCH", "/b", "PATCH /b"),
        ] {
            assert_eq!(call("s3", method, target, "", &[]).name(), format!("s3:{name}"), "{method} {target}");
        }
    }

    #[test]
    fn tells_s3_control_from_s3() {
        let path = "/v20180820/configuration/publicAccessBlock";
        assert_eq!(call("s3", "GET", path, "", &[]).name(), "s3control:GetPublicAccessBlock");
        assert_eq!(call("s3", "PUT", path, "", &[]).name(), "s3control:PutPublicAccessBlock");
        assert_eq!(call("s3", "GET", "/v20180820/accesspoint", "", &[]).name(), "s3control:GET /v20180820/accesspoint");
    }

    #[test]
    fn names_rest_operations_of_guardduty() {
        for (method, target, name) in [
            ("GET", "/detector?maxResults=50", "ListDetectors"),
            ("POST", "/detector", "CreateDetector"),
            ("GET", "/detector/d-1", "GetDetector"),
            ("GET", "/detector/d-1/administrator", "GetAdministratorAccount"),
            ("GET", "/detector/d-1/member", "GET /detector/d-1/member"),
        ] {
            assert_eq!(call("guardduty", method, target, "", &[]).name(), format!("guardduty:{name}"), "{target}");
        }
    }

    #[test]
    fn names_query_and_json_operations() {
        let form = call("ec2", "POST", "/", "Version=2016-11-15&Action=DescribeInstances&Filter.1.Name=Action", &[]);
        assert_eq!((form.name().as_str(), form.access_key.as_str()), ("ec2:DescribeInstances", "AKID"));
        assert_eq!(call("sns", "GET", "/?Action=Publish&Message=x", "", &[]).name(), "sns:Publish");
        let json = call("sqs", "POST", "/", "{}", &[("x-amz-target", "AmazonSQS.GetQueueAttributes")]);
        assert_eq!(json.name(), "sqs:GetQueueAttributes");
        let unknown = call("batch", "GET", "/v1/jobs?x=1", "", &[]);
        assert_eq!(unknown.name(), "batch:GET /v1/jobs");
    }

    #[test]
    fn names_rest_operations_of_lambda() {
        for (method, target, name) in [
            ("GET", "/2015-03-31/functions?Marker=x", "ListFunctions"),
            ("GET", "/2015-03-31/functions/", "ListFunctions"),
            ("POST", "/2015-03-31/functions", "CreateFunction"),
            ("GET", "/2015-03-31/functions/f/configuration", "GetFunctionConfiguration"),
            ("GET", "/2015-03-31/functions/f/policy", "GetPolicy"),
            ("POST", "/2015-03-31/functions/f/policy", "AddPermission"),
            ("DELETE", "/2015-03-31/functions/f/policy/s", "RemovePermission"),
            ("DELETE", "/2015-03-31/functions/f", "DeleteFunction"),
            ("GET", "/2017-03-31/tags/arn%3Aaws%3Alambda", "ListTags"),
            ("PUT", "/2017-10-31/functions/f/concurrency", "PutFunctionConcurrency"),
            ("DELETE", "/2017-10-31/functions/f/concurrency", "DeleteFunctionConcurrency"),
            ("GET", "/2019-09-30/functions/f/concurrency", "GetFunctionConcurrency"),
            ("GET", "/2018-10-31/layers", "GET /2018-10-31/layers"),
        ] {
            assert_eq!(call("lambda", method, target, "", &[]).name(), format!("lambda:{name}"), "{method} {target}");
        }
    }

    #[test]
    fn says_so_where_nothing_is_signed() {
        for headers in [vec![], vec![("Authorization".to_owned(), "Bearer x".to_owned())]] {
            let request = Request { method: "GET".into(), target: "/".into(), headers, body: Vec::new() };
            assert_eq!(Call::of(request).name(), "unsigned:GET /");
        }
    }
}
