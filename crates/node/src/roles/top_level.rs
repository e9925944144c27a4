//! The national top-level node 国家顶级节点: keeps `0.NA/88.xxx` and refers to the secondary nodes.

use super::Recipe;

pub fn recipe() -> Recipe {
    Recipe {
        authority: true,
        recursion: false,
        administration: true,
        registry: true,
        example_prefix: Some("88"),
        delegates_below: true,
        handle_port: 2641,
        http_port: 8000,
        admin_port: 9300,
        gateway_json: false,
        zh: "国家顶级节点",
        en: "national top-level node",
        next: &[
            "hufu serve --config top-level.toml",
            "hufu delegate 88.118 --derived --parent <this node> --child <secondary node>",
        ],
    }
}
