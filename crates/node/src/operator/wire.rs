//! Where on the wire a command of the operator interface is: method and path, after RPP.

use hufu_registry::operator::{Command, ResultCode};

/// All routes begin so.
pub const BASE: &str = "/operator/v1";

/// Method and path of a command. The same on both sides: a request whose route and body disagree is refused.
pub fn route(command: &Command) -> (&'static str, String) {
    let name = segment(command.prefix());
    let object = format!("{BASE}/prefixes/{name}");
    let process = |process: &str| ("POST", format!("{object}/processes/{process}"));
    match command {
        Command::Create { .. } => ("POST", format!("{BASE}/prefixes")),
        Command::UpdateSubject { .. } | Command::UpdateRoutes { .. } => ("PATCH", object),
        Command::Delete { .. } => ("DELETE", object),
        Command::Renew { .. } => process("renewals"),
        Command::Transfer { .. } => process("transfers"),
        Command::Disable { .. } => process("holds"),
        Command::Enable { .. } => process("releases"),
    }
}

/// A name as one segment of a path.
pub fn segment(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b':');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

/// The status of a result code, as the profile has it.
pub fn status(code: ResultCode) -> u16 {
    match code {
        1000 | 1301 => 200,
        1001 => 202,
        1300 => 204,
        2100..=2103 => 501,
        2200 => 401,
        2201 | 2202 => 403,
        2302 => 409,
        2303 => 404,
        2400 => 500,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_and_statuses_are_those_of_the_profile() {
        let enable = Command::Enable { prefix: "88.118/x".into() };
        assert_eq!(route(&enable), ("POST", "/operator/v1/prefixes/88.118%2Fx/processes/releases".to_owned()));
        let delete = Command::Delete { prefix: "GS1:690".into(), reason: String::new() };
        assert_eq!(route(&delete), ("DELETE", "/operator/v1/prefixes/GS1:690".to_owned()));
        assert_eq!([1000, 1001, 2302, 2303, 2308, 2400].map(status), [200, 202, 409, 404, 400, 500]);
    }
}
