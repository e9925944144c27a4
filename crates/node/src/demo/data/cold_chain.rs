//! The seafood importer: two containers a month, the small packs made from them, and the cold store.

use super::draw::{Draw, Month};
use super::sheet::{Sheet, Site};
use hufu_ident::Value;
use hufu_ident::systems::handle::kind;

pub const SAMPLES: [[&str; 3]; 4] = [
    ["BZ2106A015", "一个小包装：物种、来源集装箱、温度", "A small pack: species, container, temperature"],
    ["冷库 A-07", "冷库库位（后缀含中文与空格）", "A place in the cold store (Chinese and a space in the suffix)"],
    ["XM2106A", "旧箱码，指向集装箱标识（HS_ALIAS）", "Old case mark, an alias of the container (HS_ALIAS)"],
    [
        "PXLU2106019",
        "集装箱：产地、报关单，按语言选择页面（10320/loc）",
        "A container: origin, customs, with a page for each language (10320/loc)",
    ],
];

const EMAIL: &str = "trace@puxi-foods.example";
const LETTERS: [char; 2] = ['A', 'B'];
/// Small packs made from one container.
const PACKS: u32 = 24;
/// From this one on, a pack of the first container holds goods of both.
const MIXED: u32 = 23;
const PLACES: u32 = 12;

/// What a container holds.
#[derive(Clone, Copy)]
struct Goods {
    name: &'static str,
    product: &'static str,
    species: &'static str,
    origin: &'static str,
    area: &'static str,
}

const fn goods([name, product, species]: [&'static str; 3], [origin, area]: [&'static str; 2]) -> Goods {
    Goods { name, product, species, origin, area }
}

const GOODS: [Goods; 8] = [
    goods(["大西洋鳕鱼", "冷冻鳕鱼块 400 g", "Gadus morhua"], ["挪威", "FAO 27 东北大西洋（巴伦支海）"]),
    goods(["狭鳕", "冷冻狭鳕鱼柳 500 g", "Gadus chalcogrammus"], ["俄罗斯", "FAO 61 西北太平洋（鄂霍次克海）"]),
    goods(["阿根廷红虾", "冷冻红虾 1 kg", "Pleoticus muelleri"], ["阿根廷", "FAO 41 西南大西洋"]),
    goods(["大西洋鲑", "冷冻三文鱼排 300 g", "Salmo salar"], ["智利", "养殖，洛斯拉戈斯大区"]),
    goods(["格陵兰庸鲽", "冷冻比目鱼块 500 g", "Reinhardtius hippoglossoides"], ["格陵兰", "FAO 21 西北大西洋"]),
    goods(["黄鳍鲽", "冷冻鲽鱼片 400 g", "Limanda aspera"], ["美国", "FAO 67 东北太平洋（白令海）"]),
    goods(["凡纳滨对虾", "冷冻虾仁 250 g", "Penaeus vannamei"], ["厄瓜多尔", "养殖，瓜亚斯省"]),
    goods(["茎柔鱼", "冷冻鱿鱼圈 500 g", "Dosidicus gigas"], ["秘鲁", "FAO 87 东南太平洋"]),
];

/// A record, by what it describes.
#[derive(Clone, Copy)]
pub enum Item {
    Place(u32),
    Container(Month, char),
    /// A pack, from 1 in the order of packing.
    Pack(Month, char, u32),
    OldMark(Month),
}

pub fn items() -> impl Iterator<Item = Item> + Send {
    let month = |month| {
        let packs =
            LETTERS.into_iter().flat_map(move |letter| (1..=PACKS).map(move |pack| Item::Pack(month, letter, pack)));
        LETTERS.map(|letter| Item::Container(month, letter)).into_iter().chain([Item::OldMark(month)]).chain(packs)
    };
    (1..=PLACES).map(Item::Place).chain(Month::all().flat_map(month))
}

impl Item {
    pub fn suffix(self) -> String {
        match self {
            Item::Place(number) => format!("冷库 A-{number:02}"),
            Item::Container(month, letter) => container_number(month, letter),
            Item::Pack(month, letter, pack) => format!("BZ{}{letter}{pack:03}", month.code()),
            Item::OldMark(month) => format!("XM{}A", month.code()),
        }
    }

    pub fn values(self, site: &Site) -> Vec<Value> {
        let suffix = self.suffix();
        let sheet = match self {
            Item::Place(number) => place_sheet(site, &suffix, number),
            Item::Container(month, letter) => container_sheet(site, &suffix, month, letter),
            Item::Pack(month, letter, pack) => pack_sheet(site, &suffix, month, letter, pack),
            Item::OldMark(month) => Sheet::alias(&site.name(&Item::Container(month, 'A').suffix()))
                .text(kind::DESC, format!("原进口箱码 {suffix}，已由集装箱标识代替"))
                .text("换码日期", month.day(20))
                .text("换码原因", "口岸、堆场与加工厂一码流转")
                .text(kind::EMAIL, EMAIL),
        };
        sheet.values()
    }
}

fn container_number(month: Month, letter: char) -> String {
    let number = format!("PXLU{}{:02}", month.code(), 1 + u32::from(letter == 'B'));
    let digit = check_digit(&number);
    format!("{number}{digit}")
}

/// The last digit of a container number (ISO 6346).
fn check_digit(number: &str) -> u32 {
    let worth = |octet: u8| match octet {
        b'A'..=b'Z' => letter_worth(octet),
        _ => u32::from(octet - b'0'),
    };
    let sum: u32 = number.bytes().enumerate().map(|(place, octet)| worth(octet) << place).sum();
    sum % 11 % 10
}

/// Letters count from 10, without the multiples of 11.
fn letter_worth(octet: u8) -> u32 {
    let from_ten = u32::from(octet - b'A') + 10;
    from_ten + (from_ten - 1) / 10
}

/// Both containers of a month hold the same.
fn goods_of(month: Month) -> Goods {
    Draw::of("goods", month.ordinal()).pick(&GOODS)
}

/// Whether a container got too warm on its way.
fn too_warm(month: Month, letter: char) -> bool {
    Draw::of("too warm", month.ordinal() * 2 + u32::from(letter == 'B')).chance(5)
}

fn temperature(draw: &mut Draw, too_warm: bool) -> String {
    let coldest = draw.decimal(214, 236, 1);
    let points = draw.between(1800, 4400);
    let warmest = match too_warm {
        true => format!("最高 −{} ℃，高于 −18 ℃ 达 {} min", draw.decimal(121, 158, 1), draw.between(35, 190)),
        false => format!("最高 −{} ℃，始终不高于 −18 ℃", draw.decimal(181, 196, 1)),
    };
    format!("{points} 个记录点，最低 −{coldest} ℃，{warmest}；SHA-256 {}", draw.digest())
}

fn container_sheet(site: &Site, suffix: &str, month: Month, letter: char) -> Sheet {
    let mut draw = Draw::of("container", month.ordinal() * 2 + u32::from(letter == 'B'));
    let goods = goods_of(month);
    let too_warm = too_warm(month, letter);
    let declaration = format!("4218{}1{:09}", month.year(), draw.between(100_000, 999_999));
    let status = if too_warm { "已封存，待处置" } else { "海关已放行，已卸货" };
    Sheet::page(site, suffix)
        .text(kind::LOC, site.locations(suffix))
        .text(
            kind::DESC,
            format!("进口冷藏集装箱，{}（{}），{} kg", goods.name, goods.species, draw.between(21_000, 26_800)),
        )
        .text("产地与捕捞区", format!("{}；{}", goods.origin, goods.area))
        .text("报关单号", declaration)
        .text("到港日期", month.day(draw.between(2, 6)))
        .text("温度记录", temperature(&mut draw, too_warm))
        .live("货物状态", status)
        .inner(
            "承运信息",
            format!(
                "提单 PX{}{:06}，车辆 V{:03}，司机 D{:03}",
                month.code(),
                draw.between(1, 999_999),
                draw.between(1, 80),
                draw.between(1, 120)
            ),
        )
}

/// The containers whose goods are in a pack.
fn sources(letter: char, pack: u32) -> &'static [char] {
    match letter {
        'A' if pack >= MIXED => &LETTERS,
        _ if letter == LETTERS[0] => &LETTERS[..1],
        _ => &LETTERS[1..],
    }
}

fn pack_sheet(site: &Site, suffix: &str, month: Month, letter: char, pack: u32) -> Sheet {
    let mut draw = Draw::of("pack", (month.ordinal() * 2 + u32::from(letter == 'B')) * PACKS + pack);
    let goods = goods_of(month);
    let sources = sources(letter, pack);
    let stopped = sources.iter().any(|letter| too_warm(month, *letter));
    let date = month.day(8 + pack * 18 / PACKS);
    let mut sheet = Sheet::page(site, suffix)
        .text("产品名称", goods.product)
        .text("物种与产地", format!("{}（{}）；{}；{}", goods.name, goods.species, goods.origin, goods.area))
        .text("生产批次", format!("P{}{letter}-{}", month.code(), 1 + pack / 9))
        .text("生产日期", format!("{date}，−18 ℃ 以下保存"));
    for letter in sources {
        sheet = sheet.text("来源集装箱", site.name(&Item::Container(month, *letter).suffix()));
    }
    let state = match month.recent() {
        true => draw.pick(&["在库", "配送中", "门店在售", "门店在售", "已售出"]),
        false => "已售出",
    };
    sheet = sheet.live("流通状态", if stopped { "已封存，不得销售" } else { state });
    match draw.between(1, 4) {
        1 => sheet.inner("成本", format!("{} 元", draw.decimal(1180, 6950, 2))),
        2 => sheet.inner("客户", format!("门店 S{:02}", draw.between(1, 30))),
        3 => sheet.text("执行标准", "GB 2733-2015；GB 31605-2020"),
        _ => sheet.text("温度记录摘要", format!("SHA-256 {}", draw.digest())),
    }
}

fn place_sheet(site: &Site, suffix: &str, number: u32) -> Sheet {
    let mut draw = Draw::of("place", number);
    Sheet::page(site, suffix)
        .text(kind::DESC, format!("青岛加工厂冷库 A 区 {number:02} 号库位"))
        .text("设定温度", "−22 ℃")
        .live("当前温度", format!("−{} ℃", draw.decimal(206, 227, 1)))
        .live("占用托盘", format!("{} / 36", draw.between(4, 36)))
        .text("执行标准", "GB 31605-2020")
        .text(kind::EMAIL, EMAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_numbers_carry_their_check_digit() {
        assert_eq!(check_digit("CSQU305438"), 3);
        assert_eq!((b'A'..=b'Z').map(letter_worth).filter(|worth| worth % 11 == 0).count(), 0);
        assert_eq!((letter_worth(b'A'), letter_worth(b'B'), letter_worth(b'Z')), (10, 12, 38));
    }

    #[test]
    fn few_containers_get_too_warm() {
        let all = Month::all().flat_map(|month| LETTERS.map(|letter| (month, letter)));
        let warm = all.filter(|(month, letter)| too_warm(*month, *letter)).count();
        assert!((1..=20).contains(&warm), "{warm}");
    }
}
