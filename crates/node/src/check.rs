//! `hufu check-config`: reads a configuration as `serve` would, and says what is wrong or what would be started.

use crate::cli::{CheckConfigArgs, CliError, Output, Screen};
use crate::config::Config;
use std::path::Path;
use std::process::ExitCode;

/// The configuration's summary, or its error.
pub fn check(path: &Path) -> Result<String, String> {
    let config = Config::load(path).map_err(|error| error.to_string())?;
    crate::keys::load(&config.handle.key_file).map_err(|error| error.to_string())?;
    // The first start makes it.
    if config.dns.signed && config.dns.key_file.exists() {
        crate::dns::key::ZoneKey::load(&config.dns.key_file).map_err(|error| error.to_string())?;
    }
    if let (Some(certificate), Some(key)) = (&config.http.certificate, &config.http.key) {
        hufu_net::Tls::load(certificate, key).map_err(|error| error.to_string())?;
    }
    let recipe = config.role.recipe();
    let prefixes = if config.prefixes.is_empty() { "-".to_owned() } else { config.prefixes.join(", ") };
    Ok(format!(
        "{}: good\n  role       {} ({})\n  name       {}\n  prefixes   {prefixes}\n  handle     udp {} · tcp {}\n  http       {}\n  data       {}\n",
        path.display(),
        config.role.name(),
        recipe.zh,
        config.name,
        config.handle.udp_port,
        config.handle.tcp_port,
        if config.http.enabled { config.http.port.to_string() } else { "off".into() },
        config.data_directory.display(),
    ))
}

/// The command: prints the summary, or fails with the place and the rule.
pub fn run(args: CheckConfigArgs, screen: &Screen) -> Result<ExitCode, CliError> {
    let path = args.file.or(args.config).ok_or_else(|| CliError::usage("name the configuration"))?;
    let summary = check(&path).map_err(CliError::usage)?;
    match screen.output {
        Output::Json => screen.json(&serde_json::json!({"ok": true, "config": path}))?,
        Output::Table => screen.line(summary.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}
