//! The Handle protocol inside HTTP: POST an envelope and its message, get the same back (media type
//! `application/x-hdl-message`). Protocol errors travel inside; HTTP stays 200.

use super::{Asked, Web};
use axum::body::Bytes;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_net::{Outcome, Replies, Service};

const MEDIA_TYPE: &str = "application/x-hdl-message";
/// Octets collected for one answer, e.g. a long listing.
const ANSWER: usize = 64 << 20;

pub fn wanted(asked: &Asked) -> bool {
    let names_it = |name| asked.header(name).is_some_and(|value| value.contains(MEDIA_TYPE));
    asked.method == Method::POST && (names_it(header::ACCEPT) || names_it(header::CONTENT_TYPE))
}

pub async fn answer(web: &Web, asked: Asked) -> Response {
    let service = web.parts.handle.clone();
    let mut out = Vec::new();
    for frame in hufu_net::frames(&asked.body) {
        let mut one = Vec::new();
        match service.answer(frame, &asked.peer, &mut one) {
            Outcome::Answered => out.extend(one),
            Outcome::Drop => {}
            Outcome::Later => {
                let (replies, mut queue) = Replies::channel(16);
                let work = tokio::spawn(service.clone().answer_later(frame.to_vec(), asked.peer, replies));
                while let Some(reply) = queue.recv().await {
                    if out.len() + reply.len() > ANSWER {
                        work.abort();
                        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
                    }
                    out.extend(reply);
                }
            }
        }
    }
    if out.is_empty() {
        return (StatusCode::BAD_REQUEST, "no message of the Handle protocol in the body\n").into_response();
    }
    let mut response = Bytes::from(out).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}
