//! Notices by e-mail, through the mail server of the settings.

use super::{DEADLINE, Failed};
use hufu_registry::notices::Notice;
use hufu_registry::notices::settings::{Smtp, SmtpSecurity};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

/// Hands one notice over to the mail server, with the link if it is a letter.
pub async fn send(server: &Smtp, to: &str, notice: &Notice, link: Option<&str>, node: &str) -> Result<(), Failed> {
    let lasting = |fault: String| Failed { fault, hopeless: true };
    let passing = |fault: String| Failed { fault, hopeless: false };
    let message = compose(server, to, notice, link, node).map_err(lasting)?;
    let transport = match server.security {
        SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&server.host),
        SmtpSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&server.host),
        SmtpSecurity::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)),
    };
    let mut transport = transport.map_err(|error| lasting(error.to_string()))?.port(server.port);
    if !server.user.is_empty() {
        transport = transport.credentials(Credentials::new(server.user.clone(), server.password.clone()));
    }
    let transport = transport.timeout(Some(DEADLINE)).build();
    match transport.send(message).await {
        Ok(_) => Ok(()),
        // 5xx: the server will not take it tomorrow either.
        Err(error) if error.is_permanent() => Err(lasting(error.to_string())),
        Err(error) => Err(passing(error.to_string())),
    }
}

/// Chinese first, then English, as plain text.
fn compose(server: &Smtp, to: &str, notice: &Notice, link: Option<&str>, node: &str) -> Result<Message, String> {
    let address = |text: &str| text.parse::<Address>().map_err(|error| format!("{text}: {error}"));
    let subject = format!("{} / {}", notice.title_zh, notice.title_en);
    let link = link.map(|link| format!("{link}\n\n")).unwrap_or_default();
    let body = format!("{}\n\n{}\n\n{link}-- \n{node}\n{}\n", notice.body_zh, notice.body_en, notice.object);
    Message::builder()
        .from(Mailbox::new(Some(node.to_owned()), address(&server.from)?))
        .to(Mailbox::new(None, address(to)?))
        .subject(subject)
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_registry::notices::NoticeKind;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    fn notice() -> Notice {
        Notice {
            id: "ntc-1".into(),
            kind: NoticeKind::ApplicationReturned,
            object: "application app-1".into(),
            title_zh: "申请已退回".into(),
            title_en: "Application returned".into(),
            body_zh: "请修改。".into(),
            body_en: "Please correct it.".into(),
            at: 0,
            read: false,
        }
    }

    /// A mail server of one conversation: answers `recipient` to RCPT, gives back what it was sent.
    async fn server(recipient: &'static str) -> (Smtp, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let talk = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a client");
            let (reading, mut writing) = stream.into_split();
            let (mut lines, mut seen, mut data) = (BufReader::new(reading).lines(), String::new(), false);
            writing.write_all(b"220 test\r\n").await.expect("sent");
            while let Ok(Some(line)) = lines.next_line().await {
                seen.push_str(&line);
                seen.push('\n');
                let reply = match line.split(' ').next().unwrap_or_default() {
                    "." => "250 taken",
                    _ if data => continue,
                    "RCPT" | "RCPT TO" => recipient,
                    _ if line.starts_with("RCPT") => recipient,
                    "DATA" => "354 go on",
                    "QUIT" => "221 bye",
                    _ => "250 ok",
                };
                data = reply.starts_with("354");
                if writing.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                    break;
                }
            }
            seen
        });
        let (host, from, security) = ("127.0.0.1".into(), "hufu@hufu-demo.cn".into(), SmtpSecurity::None);
        (Smtp { host, port, security, user: String::new(), password: String::new(), from }, talk)
    }

    #[tokio::test]
    async fn a_notice_is_one_message_in_both_languages() {
        let (smtp, talk) = server("250 ok").await;
        assert!(send(&smtp, "someone@hufu-demo.cn", &notice(), None, "Node 1").await.is_ok());
        let seen = talk.await.expect("a conversation");
        assert!(seen.contains("RCPT TO:<someone@hufu-demo.cn>") && seen.contains("MAIL FROM:<hufu@hufu-demo.cn>"));
        assert!(seen.contains("To: someone@hufu-demo.cn") && seen.contains("Subject: "), "{seen}");
    }

    #[tokio::test]
    async fn a_refused_recipient_is_given_up_and_a_busy_server_is_not() {
        for (reply, hopeless) in [("550 nobody", true), ("450 later", false)] {
            let (smtp, _talk) = server(reply).await;
            let failed = send(&smtp, "someone@hufu-demo.cn", &notice(), None, "Node 1").await;
            assert!(failed.is_err_and(|failed| failed.hopeless == hopeless), "{reply}");
        }
    }
}
