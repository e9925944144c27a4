//! The engine maker: engines by serial number, the lots of their parts, their models and tightening tools.

use super::draw::{Draw, Month, decimal};
use super::sheet::{Sheet, Site};
use hufu_ident::Value;
use hufu_ident::systems::handle::kind;

pub const SAMPLES: [[&str; 3]; 4] = [
    ["JXDY2106023", "一台发动机：扭矩、台架试验、组成部件", "An engine: torque, bench test, parts"],
    [
        "拧紧工具 T3",
        "工位 7 的拧紧工具（后缀含中文与空格）",
        "Tightening tool of station 7 (Chinese and a space in the suffix)",
    ],
    [
        "FDJ2106023",
        "旧发动机号，指向新标识（HS_ALIAS）",
        "Old engine number, an alias of the new identifier (HS_ALIAS)",
    ],
    ["JX172MM", "产品型号，按语言选择页面（10320/loc）", "Model, with a page for each language (10320/loc)"],
];

const EMAIL: &str = "service@jiaxian-engine.example";
/// Engines built in a month.
const ENGINES: u32 = 30;
/// Lots of crankshafts in a month: one for three engines.
const CRANKSHAFTS: u32 = 10;
/// Lots of cylinder heads in a month: one for six engines.
const HEADS: u32 = 5;
const TOOLS: u32 = 4;

struct Model {
    name: &'static str,
    title: &'static str,
    millilitres: u32,
    /// Rated power in tenths of a kilowatt.
    power: u32,
    /// Rated speed in revolutions per minute.
    speed: u32,
    stage: &'static str,
    standard: &'static str,
    /// Torque of the cylinder head bolts in N·m.
    bolts: u32,
}

impl Model {
    const fn motorcycle(name: &'static str, title: &'static str, figures: [u32; 4]) -> Model {
        let [millilitres, power, speed, bolts] = figures;
        let (stage, standard) = ("国Ⅳ", "GB 14622-2016；GB/T 20076");
        Model { name, title, millilitres, power, speed, stage, standard, bolts }
    }

    const fn car(name: &'static str, title: &'static str, figures: [u32; 4]) -> Model {
        let [millilitres, power, speed, bolts] = figures;
        let (stage, standard) = ("国Ⅵ", "GB 18352.6-2016；GB/T 18297");
        Model { name, title, millilitres, power, speed, stage, standard, bolts }
    }

    fn rating(&self) -> String {
        format!("{} kW / {} r/min", decimal(self.power, 1), self.speed)
    }

    /// Torque over speed, from the rated point.
    fn curve(&self) -> String {
        let rated = self.power * 9549 / self.speed;
        let point = |speed: u32, torque: u32| {
            format!("{} r/min {} N·m", self.speed * speed / 1000 * 10, decimal(rated * torque / 100, 1))
        };
        [(40, 94), (60, 105), (75, 109), (90, 105), (100, 100)].map(|(speed, torque)| point(speed, torque)).join("；")
    }
}

static MODELS: [Model; 6] = [
    Model::motorcycle("JX172MM", "单缸水冷摩托车发动机", [249, 185, 8500, 42]),
    Model::motorcycle("JX162FMJ", "单缸风冷摩托车发动机", [149, 86, 8000, 24]),
    Model::motorcycle("JX157QMI", "踏板摩托车发动机", [125, 65, 7500, 22]),
    Model::motorcycle("JX267MQ", "双缸水冷摩托车发动机", [471, 350, 8500, 48]),
    Model::car("DY2G08E", "增程器用双缸汽油机", [810, 320, 5000, 60]),
    Model::car("DY4G15T", "直列四缸增压汽油机", [1498, 1100, 5500, 66]),
];

/// A record, by what it describes.
#[derive(Clone, Copy)]
pub enum Item {
    Model(u32),
    Tool(u32),
    /// One engine, from 1 in its month; so too the lots.
    Engine(Month, u32),
    Crankshaft(Month, u32),
    Head(Month, u32),
    /// The number that an engine bore before it had an identifier.
    OldNumber(Month, u32),
}

pub fn items() -> impl Iterator<Item = Item> + Send {
    let month = |month| {
        let crankshafts = (1..=CRANKSHAFTS).map(move |lot| Item::Crankshaft(month, lot));
        let heads = (1..=HEADS).map(move |lot| Item::Head(month, lot));
        let engines = (1..=ENGINES).map(move |serial| Item::Engine(month, serial));
        let old = [8, 23].map(|serial| Item::OldNumber(month, serial));
        crankshafts.chain(heads).chain(engines).chain(old)
    };
    let models = (0..MODELS.len() as u32).map(Item::Model);
    models.chain((1..=TOOLS).map(Item::Tool)).chain(Month::all().flat_map(month))
}

impl Item {
    pub fn suffix(self) -> String {
        match self {
            Item::Model(number) => MODELS[number as usize].name.to_owned(),
            Item::Tool(number) => format!("拧紧工具 T{number}"),
            Item::Engine(month, serial) => format!("JXDY{}{serial:03}", month.code()),
            Item::Crankshaft(month, lot) => format!("QZ{}-{lot:02}", month.code()),
            Item::Head(month, lot) => format!("GG{}-{lot:02}", month.code()),
            Item::OldNumber(month, serial) => format!("FDJ{}{serial:03}", month.code()),
        }
    }

    pub fn values(self, site: &Site) -> Vec<Value> {
        let suffix = self.suffix();
        let sheet = match self {
            Item::Model(number) => model(site, &suffix, &MODELS[number as usize]),
            Item::Tool(number) => tool(site, &suffix, number),
            Item::Engine(month, serial) => engine(site, &suffix, month, serial),
            Item::Crankshaft(month, lot) => crankshaft(site, &suffix, month, lot),
            Item::Head(month, lot) => head(site, &suffix, month, lot),
            Item::OldNumber(month, serial) => {
                let target = Item::Engine(month, serial).suffix();
                Sheet::alias(&site.name(&target))
                    .text(kind::DESC, format!("原发动机号 {suffix}，已换为工业互联网标识"))
                    .text("换码日期", month.day(28))
                    .text("换码原因", "铭牌改用标识二维码，旧号仍可查询")
                    .text(kind::EMAIL, EMAIL)
            }
        };
        sheet.values()
    }
}

fn model(site: &Site, suffix: &str, model: &Model) -> Sheet {
    Sheet::page(site, suffix)
        .text(kind::LOC, site.locations(suffix))
        .text(kind::DESC, format!("{} {}", model.name, model.title))
        .text("排量", format!("{} mL", model.millilitres))
        .text("额定功率", model.rating())
        .text("排放阶段", model.stage)
        .text("扭矩曲线", model.curve())
        .text("执行标准", model.standard)
        .text(kind::EMAIL, EMAIL)
}

fn tool(site: &Site, suffix: &str, number: u32) -> Sheet {
    let mut draw = Draw::of("tool", number);
    Sheet::page(site, suffix)
        .text(kind::DESC, format!("装配线工位 7 电动拧紧轴 T{number}"))
        .text("MODEL", draw.pick(&["DNJ-100", "DNJ-150"]))
        .text("量程", "10～100 N·m，示值误差 ±1 %")
        .text("校准日期", format!("2026-{:02}-{:02}", draw.between(6, 9), draw.between(1, 28)))
        .text("执行标准", "JJG 707")
        .live("运行状态", draw.pick(&["运行", "待机"]))
        .text(kind::EMAIL, EMAIL)
}

fn engine(site: &Site, suffix: &str, month: Month, serial: u32) -> Sheet {
    let mut draw = Draw::of("engine", month.ordinal() * ENGINES + serial);
    let heads = (serial - 1) / (ENGINES / HEADS) + 1;
    let model = model_of(month, heads);
    let date = month.day(8 + (serial - 1) * 20 / ENGINES);
    let crankshaft = Item::Crankshaft(month, (serial - 1) / (ENGINES / CRANKSHAFTS) + 1).suffix();
    let head = Item::Head(month, heads).suffix();
    let sheet = Sheet::page(site, suffix)
        .text(kind::DESC, format!("{}，序列号 {suffix}，{date} 下线", model.title))
        .text("产品型号", format!("{}；{} mL；{}", model.name, model.millilitres, model.rating()))
        .text("排放阶段", model.stage)
        .text("工位7扭矩", torque(site, &mut draw, model, &date))
        .text("台架试验", bench_test(&mut draw, model))
        .text("组成部件", site.name(&crankshaft))
        .text("组成部件", site.name(&head));
    let customer = format!("整车厂 M{:02}，订单 {}{:05}", draw.between(1, 18), month.year(), draw.between(1, 99_999));
    match draw.between(1, 3) {
        1 => sheet.inner("客户", customer),
        3 => sheet.inner("成本", format!("{} 元", decimal(model.power * 480 + draw.between(8000, 30_000), 2))),
        _ if month.recent() => sheet.live("库存状态", draw.pick(&["成品库 A 区", "成品库 B 区", "已发运", "已装车"])),
        _ => sheet.live("库存状态", "已装车"),
    }
}

/// The model built from a lot of cylinder heads.
fn model_of(month: Month, heads: u32) -> &'static Model {
    &MODELS[Draw::of("model", month.ordinal() * HEADS + heads).pick(&[0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5])]
}

/// The four bolts of the cylinder head, within three per cent of what is asked.
fn torque(site: &Site, draw: &mut Draw, model: &Model, date: &str) -> String {
    let asked = model.bolts * 10;
    let bolts = [0; 4].map(|_| draw.decimal(asked - asked * 3 / 100, asked + asked * 3 / 100, 1));
    let tool = site.name(&Item::Tool(draw.between(1, TOOLS)).suffix());
    let time = format!("{:02}:{:02}", draw.between(8, 17), draw.between(0, 59));
    format!("缸盖螺栓 {} N·m（要求 {}±5 %）；{date} {time}；工具 {tool}", bolts.join(" / "), model.bolts)
}

fn bench_test(draw: &mut Draw, model: &Model) -> String {
    let power = draw.decimal(model.power * 98 / 100, model.power * 103 / 100, 1);
    let bench = draw.between(1, 6);
    match draw.chance(3) {
        true => format!("首检怠速不稳，返修后合格：{power} kW，{bench} 号台架"),
        false => format!("合格：{power} kW，{bench} 号台架"),
    }
}

fn crankshaft(site: &Site, suffix: &str, month: Month, lot: u32) -> Sheet {
    let mut draw = Draw::of("crankshaft", month.ordinal() * CRANKSHAFTS + lot);
    let balance = draw.decimal(31, 92, 1);
    Sheet::page(site, suffix)
        .text("产品名称", "曲轴连杆总成")
        .text("适用机型", model_of(month, (lot - 1) / (CRANKSHAFTS / HEADS) + 1).name)
        .text("生产批次", suffix)
        .text("生产日期", month.day(draw.between(1, 7)))
        .text("材料", draw.pick(&["42CrMo 锻钢", "40Cr 锻钢", "45 钢"]))
        .text("质检结论", format!("合格：残余不平衡量 {balance} g·mm（≤ 10 g·mm）"))
        .inner("工艺参数", format!("感应淬火 {} ℃，回火 {} ℃", draw.between(855, 875), draw.between(175, 195)))
}

fn head(site: &Site, suffix: &str, month: Month, lot: u32) -> Sheet {
    let mut draw = Draw::of("head", month.ordinal() * HEADS + lot);
    let leak = draw.decimal(8, 36, 1);
    Sheet::page(site, suffix)
        .text("产品名称", "气缸盖")
        .text("适用机型", model_of(month, lot).name)
        .text("生产批次", suffix)
        .text("生产日期", month.day(draw.between(1, 7)))
        .text("材料", "ZL101A 铸造铝合金（GB/T 1173）")
        .text("质检结论", format!("合格：气密试验泄漏 {leak} mL/min（≤ 5 mL/min）"))
        .inner("成本", format!("{} 元/件", draw.decimal(6800, 21_500, 2)))
}
