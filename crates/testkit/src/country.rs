//! A small country: a root, a top-level node (88 and 86), a secondary node (88.118), an enterprise (88.118.8) and a
//! recursive node, each a process, with prefixes delegated by `hufu delegate`.

use crate::node::NodeProcess;
use crate::shell::{self, Outcome};
use hufu_node::config::Config;
use hufu_node::roles::Role;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const ROOT: &str = "root";
pub const TOP: &str = "top-level";
pub const SECONDARY: &str = "secondary";
pub const ENTERPRISE: &str = "enterprise";
pub const RECURSIVE: &str = "recursive";

/// Nodes in the order in which they start, with their prefixes.
const NODES: [(&str, Role, &[&str]); 5] = [
    (ROOT, Role::Root, &["0.NA"]),
    (TOP, Role::TopLevel, &["88", "86"]),
    (SECONDARY, Role::Secondary, &["88.118"]),
    (ENTERPRISE, Role::Enterprise, &["88.118.8"]),
    (RECURSIVE, Role::Recursive, &[]),
];

/// Prefix, parent, child, and whether prefixes below are found there too.
const DELEGATIONS: [(&str, &str, &str, bool); 4] = [
    ("88", ROOT, TOP, true),
    ("86", ROOT, TOP, true),
    ("88.118", TOP, SECONDARY, true),
    ("88.118.8", SECONDARY, ENTERPRISE, false),
];

type Adjust = Box<dyn Fn(&str, &mut Config)>;

/// What a country shall be like.
pub struct Plan {
    hufu: PathBuf,
    adjust: Vec<Adjust>,
    tls: bool,
}

/// The nodes, running.
pub struct Country {
    home: TempDir,
    hufu: PathBuf,
    nodes: BTreeMap<&'static str, NodeProcess>,
}

impl Plan {
    /// `hufu` is the binary under test.
    pub fn new(hufu: impl Into<PathBuf>) -> Self {
        Plan { hufu: hufu.into(), adjust: Vec::new(), tls: false }
    }

    /// Changes the configuration of each node, named by the first argument.
    pub fn adjust(mut self, change: impl Fn(&str, &mut Config) + 'static) -> Self {
        self.adjust.push(Box::new(change));
        self
    }

    /// Gives every node a certificate.
    pub fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts the nodes and delegates the prefixes.
    pub fn start(self) -> Country {
        let home = tempfile::tempdir().expect("a scratch directory");
        let mut nodes = BTreeMap::new();
        for (name, role, prefixes) in NODES {
            let mut node = NodeProcess::lay_out(&self.hufu, &home.path().join(name), role, prefixes);
            if self.tls {
                node = node.with_tls();
            }
            let root = nodes.get(ROOT).map(NodeProcess::handle);
            node.config.resolution.root.extend(root);
            self.adjust.iter().for_each(|adjust| adjust(name, &mut node.config));
            node.launch();
            nodes.insert(name, node);
        }
        nodes.values_mut().for_each(NodeProcess::wait_ready);
        let country = Country { home, hufu: self.hufu, nodes };
        DELEGATIONS.iter().for_each(|(prefix, parent, child, derived)| {
            country.delegate(prefix, parent, child, *derived).expect(0);
        });
        country
    }
}

impl Country {
    pub fn plan(hufu: impl Into<PathBuf>) -> Plan {
        Plan::new(hufu)
    }

    pub fn node(&self, name: &str) -> &NodeProcess {
        self.nodes.get(name).unwrap_or_else(|| panic!("no node {name}"))
    }

    pub fn node_mut(&mut self, name: &str) -> &mut NodeProcess {
        self.nodes.get_mut(name).unwrap_or_else(|| panic!("no node {name}"))
    }

    pub fn root(&self) -> &NodeProcess {
        self.node(ROOT)
    }

    pub fn top_level(&self) -> &NodeProcess {
        self.node(TOP)
    }

    pub fn secondary(&self) -> &NodeProcess {
        self.node(SECONDARY)
    }

    pub fn enterprise(&self) -> &NodeProcess {
        self.node(ENTERPRISE)
    }

    pub fn recursive(&self) -> &NodeProcess {
        self.node(RECURSIVE)
    }

    /// A scratch directory that goes with the country.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the command line.
    pub fn hufu(&self, args: &[&str]) -> Outcome {
        shell::run(&self.hufu, args)
    }

    /// Runs a command as the first administrator of a node, at that node.
    pub fn hufu_as(&self, node: &str, args: &[&str]) -> Outcome {
        let who = self.node(node).as_admin();
        let args: Vec<&str> = args.iter().copied().chain(who.iter().map(String::as_str)).collect();
        self.hufu(&args)
    }

    /// `hufu delegate` with the administrators of both sides.
    pub fn delegate(&self, prefix: &str, parent: &str, child: &str, derived: bool) -> Outcome {
        let (parent, child) = (self.node(parent), self.node(child));
        let place = |node: &NodeProcess| node.handle().to_string();
        let secret = |node: &NodeProcess| node.secret_file().to_string_lossy().into_owned();
        let mut args = vec!["delegate".into(), prefix.into()];
        for (side, node) in [("parent", parent), ("child", child)] {
            args.extend([format!("--{side}"), place(node)]);
            args.extend([format!("--{side}-identity"), node.administrator()]);
            args.extend([format!("--{side}-secret-file"), secret(node)]);
        }
        args.extend(derived.then(|| String::from("--derived")));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.hufu(&args)
    }
}
