//! The recursive node 递归节点: keeps nothing, resolves for everybody and remembers.

use super::Recipe;

pub fn recipe() -> Recipe {
    Recipe {
        authority: false,
        recursion: true,
        administration: false,
        registry: false,
        example_prefix: None,
        delegates_below: false,
        handle_port: 3641,
        http_port: 8081,
        admin_port: 9300,
        gateway_json: true,
        zh: "递归节点",
        en: "recursive node",
        next: &["hufu serve --config recursive.toml", "hufu resolve 88.118.8/JXDY2106023 --via <this node>"],
    }
}
