//! The fibre maker: two preform rods a month are drawn into forty fibres, and these become three cables on drums.

use super::draw::{Draw, Month};
use super::sheet::{Sheet, Site};
use hufu_ident::Value;
use hufu_ident::systems::handle::kind;

pub const SAMPLES: [[&str; 3]; 4] = [
    ["GX2106B07", "一盘光纤：衰减、长度、所用预制棒", "A fibre: attenuation, length, the rod it was drawn from"],
    ["光缆盘 2106-3", "光缆盘（后缀含中文与空格）", "A cable drum (Chinese and a space in the suffix)"],
    ["69520210603", "旧条码，指向光缆标识（HS_ALIAS）", "Old bar code, an alias of the cable (HS_ALIAS)"],
    [
        "GL2106-3",
        "光缆：光纤与预制棒，按语言选择页面（10320/loc）",
        "A cable: its fibres and rods, with a page for each language (10320/loc)",
    ],
];

const EMAIL: &str = "quality@lanzhao-fibre.example";
const RODS: [char; 2] = ['A', 'B'];
/// Fibres drawn from one rod.
const FIBRES: u32 = 20;
const CABLES: u32 = 3;

/// A record, by what it describes.
#[derive(Clone, Copy)]
pub enum Item {
    Rod(Month, char),
    /// A fibre, from 1 in the order of drawing.
    Fibre(Month, char, u32),
    /// A cable, from 1 in its month; so too what belongs to it.
    Cable(Month, u32),
    Drum(Month, u32),
    OldCode(Month, u32),
}

pub fn items() -> impl Iterator<Item = Item> + Send {
    Month::all().flat_map(|month| {
        let rods = RODS.map(|rod| Item::Rod(month, rod));
        let fibres =
            RODS.into_iter().flat_map(move |rod| (1..=FIBRES).map(move |fibre| Item::Fibre(month, rod, fibre)));
        let cables = (1..=CABLES)
            .flat_map(move |cable| [Item::Cable(month, cable), Item::Drum(month, cable), Item::OldCode(month, cable)]);
        rods.into_iter().chain(fibres).chain(cables)
    })
}

impl Item {
    pub fn suffix(self) -> String {
        match self {
            Item::Rod(month, rod) => format!("YZB{}{rod}", month.code()),
            Item::Fibre(month, rod, fibre) => format!("GX{}{rod}{fibre:02}", month.code()),
            Item::Cable(month, cable) => format!("GL{}-{cable}", month.code()),
            Item::Drum(month, cable) => format!("光缆盘 {}-{cable}", month.code()),
            Item::OldCode(month, cable) => format!("69520{}{cable:02}", month.code()),
        }
    }

    pub fn values(self, site: &Site) -> Vec<Value> {
        let suffix = self.suffix();
        let sheet = match self {
            Item::Rod(month, rod) => rod_sheet(site, &suffix, month, rod),
            Item::Fibre(month, rod, fibre) => fibre_sheet(site, &suffix, month, rod, fibre),
            Item::Cable(month, cable) => cable_sheet(site, &suffix, month, cable),
            Item::Drum(month, cable) => drum_sheet(site, &suffix, month, cable),
            Item::OldCode(month, cable) => Sheet::alias(&site.name(&Item::Cable(month, cable).suffix()))
                .text(kind::DESC, format!("原厂内条码 {suffix}，“一码到底”后停用"))
                .text("换码日期", month.day(28))
                .text("换码原因", "棒、纤、缆统一使用工业互联网标识")
                .text(kind::EMAIL, EMAIL),
        };
        sheet.values()
    }
}

/// The kind of fibre made in a month, and its standard.
fn class(month: Month) -> [&'static str; 3] {
    let common = ["G.652.D", "B1.3", "GB/T 9771.3-2020"];
    Draw::of("class", month.ordinal()).pick(&[common, common, ["G.657.A2", "B6.a2", "GB/T 9771.7"]])
}

/// A cable's fibres: twelve of the first rod, twelve of the second, or the sixteen that are left.
fn parts(month: Month, cable: u32) -> (Vec<Item>, Vec<Item>) {
    let (rods, range) = match cable {
        1 => (&RODS[..1], 1..=12),
        2 => (&RODS[1..], 1..=12),
        _ => (&RODS[..], 13..=FIBRES),
    };
    let of_rod =
        |rod: &char| range.clone().map(move |fibre| Item::Fibre(month, rod.to_owned(), fibre)).collect::<Vec<_>>();
    (rods.iter().map(|rod| Item::Rod(month, *rod)).collect(), rods.iter().flat_map(of_rod).collect())
}

fn rod_sheet(site: &Site, suffix: &str, month: Month, rod: char) -> Sheet {
    let mut draw = Draw::of("rod", month.ordinal() * 2 + u32::from(rod == 'B'));
    let [class, ..] = class(month);
    let size = format!("{} mm", draw.decimal(1480, 1520, 1));
    Sheet::page(site, suffix)
        .text("产品名称", format!("光纤预制棒（{class}）"))
        .text("LOT_NO", format!("YZB{}-{rod}{:02}", month.code(), draw.between(1, 40)))
        .text("生产日期", month.day(draw.between(1, 5)))
        .text("外径与长度", format!("外径 {size}，长度 {} mm", draw.between(2400, 2900)))
        .text("芯层折射率差", format!("Δ = {} %", draw.decimal(338, 356, 3)))
        .text("质检结论", "合格：无气泡、气线，弓曲度 ≤ 0.6 mm/m")
        .text("合格证摘要", format!("SHA-256 {}", draw.digest()))
        .inner(
            "工艺参数",
            format!("VAD 芯棒，OVD 外包；烧结 {} ℃，GeCl₄ {} g/min", draw.between(1480, 1540), draw.decimal(52, 74, 1)),
        )
}

fn fibre_sheet(site: &Site, suffix: &str, month: Month, rod: char, fibre: u32) -> Sheet {
    let side = u32::from(rod == 'B');
    let mut draw = Draw::of("fibre", (month.ordinal() * 2 + side) * FIBRES + fibre);
    let [class, _, standard] = class(month);
    let date = month.day(6 + (fibre - 1) / 2);
    let sheet = Sheet::page(site, suffix)
        .text(kind::DESC, format!("{class} 单模光纤，{date} 拉制"))
        .text("光纤长度", format!("{} km", draw.decimal(50_010, 50_620, 3)))
        .text("衰减系数1310nm", format!("{} dB/km", draw.decimal(318, 342, 3)))
        .text("衰减系数1550nm", format!("{} dB/km", draw.decimal(181, 197, 3)))
        .text("原料标识", site.name(&Item::Rod(month, rod).suffix()))
        .text("合格证摘要", format!("SHA-256 {}", draw.digest()));
    match draw.between(1, 3) {
        1 => sheet.text("执行标准", standard),
        2 => sheet.text("执行标准", standard).inner("成本", format!("{} 元/km", draw.decimal(168, 265, 1))),
        _ => sheet.inner(
            "工艺参数",
            format!(
                "拉丝 {} m/min，张力 {} g，炉温 {} ℃",
                draw.between(2400, 3000),
                draw.between(140, 190),
                draw.between(2120, 2180)
            ),
        ),
    }
}

/// The cable's model by its number of fibres, its standard and its length in metres.
fn cable_model(month: Month, cable: u32) -> (String, &'static str, u32) {
    let mut draw = Draw::of("cable model", month.ordinal() * CABLES + cable);
    let [_, class, _] = class(month);
    let (family, standard) =
        draw.pick(&[("GYTA", "YD/T 901"), ("GYTS", "YD/T 901"), ("GYTA53", "YD/T 901"), ("ADSS", "DL/T 788")]);
    let count = parts(month, cable).1.len();
    (format!("{family}-{count}{class}"), standard, draw.between(3980, 4120))
}

fn cable_sheet(site: &Site, suffix: &str, month: Month, cable: u32) -> Sheet {
    let mut draw = Draw::of("cable", month.ordinal() * CABLES + cable);
    let (model, standard, metres) = cable_model(month, cable);
    let (rods, fibres) = parts(month, cable);
    let fibres: Vec<_> = fibres.into_iter().map(|fibre| site.name(&fibre.suffix())).collect();
    let date = month.day(18 + 2 * cable);
    let mut sheet = Sheet::page(site, suffix)
        .text(kind::LOC, site.locations(suffix))
        .text(kind::DESC, format!("{model} 光缆，{metres} m，{date} 下线，{standard}"))
        .text("组成光纤", fibres.join("\n"));
    for rod in rods {
        sheet = sheet.text("原料标识", site.name(&rod.suffix()));
    }
    sheet
        .text("衰减系数1550nm", format!("最大 {} dB/km", draw.decimal(194, 208, 3)))
        .text("合格证摘要", format!("SHA-256 {}", draw.digest()))
        .inner(
            "客户",
            format!("客户 K{:03}，合同 HT{}{:04}", draw.between(1, 240), month.year(), draw.between(1, 9999)),
        )
}

fn drum_sheet(site: &Site, suffix: &str, month: Month, cable: u32) -> Sheet {
    let mut draw = Draw::of("drum", month.ordinal() * CABLES + cable);
    let (model, _, metres) = cable_model(month, cable);
    let place = match month.recent() {
        true => draw.pick(&["成品库 2 号门", "南通港", "武汉转运中心", "郑州转运中心", "已签收"]),
        false => "已签收",
    };
    Sheet::page(site, suffix)
        .text(kind::DESC, format!("{model} 光缆盘，{metres} m，毛重 {} kg", draw.between(520, 940)))
        .text("承载光缆", site.name(&Item::Cable(month, cable).suffix()))
        .text("TRACKING_NO", format!("LZ{}{:08}", month.code(), draw.between(1, 99_999_999)))
        .text("出库日期", month.day(26 + draw.between(0, 2)))
        .live("当前位置", place)
        .text(kind::EMAIL, EMAIL)
}
