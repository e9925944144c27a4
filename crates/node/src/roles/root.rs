//! The root: keeps `0.NA/0.NA` and the handles of one-segment prefixes, and refers everything below them.

use super::Recipe;

pub fn recipe() -> Recipe {
    Recipe {
        authority: true,
        recursion: false,
        administration: true,
        registry: false,
        example_prefix: Some("0.NA"),
        delegates_below: false,
        handle_port: 2641,
        http_port: 8000,
        admin_port: 9300,
        gateway_json: false,
        zh: "国际根节点",
        en: "international root gateway",
        next: &[
            "hufu serve --config root.toml",
            "hufu delegate 88 --derived --parent <this node> --child <top-level node>",
        ],
    }
}
