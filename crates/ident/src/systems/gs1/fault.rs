//! What can be wrong with a value: stable codes and their texts in two languages.

/// A fault and the characters of the value that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub fault: Fault,
    /// Characters from the beginning of the value.
    pub at: usize,
    pub length: usize,
}

macro_rules! faults {
    ($($name:ident $code:literal $clause:ident $zh:literal $en:literal)*) => {
        /// A kind of fault in a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault { $(#[doc = $en] $name,)* }

        impl Fault {
            /// Stable, for machines.
            pub fn code(self) -> &'static str {
                match self { $(Fault::$name => $code,)* }
            }

            pub fn clause(self) -> &'static str {
                match self { $(Fault::$name => $clause,)* }
            }

            pub fn zh(self) -> &'static str {
                match self { $(Fault::$name => $zh,)* }
            }

            pub fn en(self) -> &'static str {
                match self { $(Fault::$name => $en,)* }
            }
        }
    };
}

impl Fault {
    pub fn at(self, at: usize, length: usize) -> Finding {
        Finding { fault: self, at, length }
    }
}

const AI: &str = "GS1 General Specifications §3.2";
const CHARACTERS: &str = "GS1 General Specifications §7.11";
const CHECK: &str = "GS1 General Specifications §7.9";
const PREFIX: &str = "GS1 General Specifications §1.4";
const ISO_3166: &str = "ISO 3166-1";
const ISO_4217: &str = "ISO 4217";
const ISO_5218: &str = "ISO/IEC 5218";
const IBAN: &str = "ISO 13616-1";
const PACKAGE: &str = "UN/ECE Recommendation 21";
const COUPON: &str = "GS1 General Specifications §3.9 (8110)";
const OFFER: &str = "GS1 General Specifications §3.9 (8112)";

faults! {
    TooShort "value-too-short" AI "值太短" "the value is too short"
    TooLong "value-too-long" AI "值太长" "the value is too long"
    NotDigit "non-digit-character" CHARACTERS "只能是数字" "only digits may stand here"
    NotSet82 "invalid-cset82-character" CHARACTERS "不在字符集82内" "not in character set 82"
    NotSet39 "invalid-cset39-character" CHARACTERS "不在字符集39内" "not in character set 39"
    NotSet64 "invalid-cset64-character" CHARACTERS "不在字符集64内" "not in character set 64"
    Padding "invalid-cset64-padding" CHARACTERS "“=”填充不正确" "the padding by “=” is wrong"
    CheckDigit "incorrect-check-digit" CHECK "校验位不正确" "the check digit is wrong"
    CheckPair "incorrect-check-pair" CHECK "校验字符对不正确" "the check character pair is wrong"
    NoCheckPair "too-short-for-check-pair" CHECK "不足以容纳校验字符对" "too short for a check character pair"
    ShortPrefix "too-short-for-gcp" PREFIX "不足以容纳厂商识别代码" "too short for a GS1 company prefix"
    BadPrefix "invalid-gcp-prefix" PREFIX "厂商识别代码须以四位数字开头" "a GS1 company prefix begins with four digits"
    DateShort "date-too-short" AI "日期太短" "the date is too short"
    DateLong "date-too-long" AI "日期太长" "the date is too long"
    Month "illegal-month" AI "没有这个月份" "no such month"
    Day "illegal-day" AI "该月没有这一天" "no such day in that month"
    HourShort "hour-too-short" AI "小时须为两位" "the hour needs two digits"
    HourLong "hour-too-long" AI "小时须为两位" "the hour has two digits"
    HourMinuteShort "hour-with-minute-too-short" AI "时分须为四位" "hour and minute need four digits"
    HourMinuteLong "hour-with-minute-too-long" AI "时分须为四位" "hour and minute have four digits"
    MinuteShort "minute-too-short" AI "分须为两位" "the minute needs two digits"
    MinuteLong "minute-too-long" AI "分须为两位" "the minute has two digits"
    SecondShort "second-too-short" AI "秒须为两位" "the second needs two digits"
    SecondLong "second-too-long" AI "秒须为两位" "the second has two digits"
    Hour "illegal-hour" AI "小时须为00至23" "the hour is 00 to 23"
    Minute "illegal-minute" AI "分须为00至59" "the minute is 00 to 59"
    Second "illegal-second" AI "秒须为00至59" "the second is 00 to 59"
    Country3 "not-iso3166" ISO_3166 "不是ISO 3166数字国家代码" "no numeric country code of ISO 3166"
    Country3Or999 "not-iso3166-or-999" ISO_3166 "不是ISO 3166数字国家代码，也不是999" "neither a numeric country code of ISO 3166 nor 999"
    Country2 "not-iso3166-alpha2" ISO_3166 "不是ISO 3166双字母国家代码" "no two-letter country code of ISO 3166"
    Currency "not-iso4217" ISO_4217 "不是ISO 4217数字货币代码" "no numeric currency code of ISO 4217"
    Sex "invalid-biological-sex-code" ISO_5218 "性别代码须为0、1、2或9" "the code of sex is 0, 1, 2 or 9"
    Flag "not-zero-or-one" AI "须为0或1" "must be 0 or 1"
    Winding "invalid-winding-direction" AI "卷绕方向须为0、1或9" "the winding direction is 0, 1 or 9"
    NotHyphen "not-hyphen" AI "只能是“-”" "only “-” may stand here"
    NotZero "not-zero" AI "须为0" "must be 0"
    AllZero "illegal-zero-value" AI "不得全为0" "must not be zero"
    LeadingZero "illegal-zero-prefix" AI "不得以0开头" "must not begin with 0"
    OnlyDigits "requires-non-digit-character" AI "至少须有一个非数字字符" "needs at least one character that is not a digit"
    Percent "invalid-percent-sequence" AI "“%”后须跟两位十六进制数字" "“%” must be followed by two hexadecimal digits"
    LatitudeLength "latitude-invalid-length" AI "纬度须为十位数字" "the latitude has ten digits"
    LongitudeLength "longitude-invalid-length" AI "经度须为十位数字" "the longitude has ten digits"
    Latitude "invalid-latitude" AI "纬度超出范围" "the latitude is out of range"
    Longitude "invalid-longitude" AI "经度超出范围" "the longitude is out of range"
    PieceLength "invalid-length-for-piece-of-total" AI "件序与总件数须等长" "piece and total must be of equal length"
    ZeroPiece "zero-piece-number" AI "件序不得为0" "the piece number must not be zero"
    ZeroTotal "zero-total-pieces" AI "总件数不得为0" "the total must not be zero"
    PieceBeyond "piece-number-exceeds-total" AI "件序大于总件数" "the piece number exceeds the total"
    Position "position-in-sequence-malformed" AI "须形如“1/2”" "must look like “1/2”"
    PositionBeyond "position-exceeds-end" AI "次序大于总数" "the position exceeds the end"
    ImporterLength "importer-idx-must-be-one-character" AI "进口商索引须为一个字符" "the importer index is one character"
    Importer "invalid-import-idx-character" AI "进口商索引字符无效" "no character of an importer index"
    Media "invalid-media-type" AI "介质类型须为01至10或80至99" "the media type is 01 to 10 or 80 to 99"
    Package "invalid-package-type" PACKAGE "不是包装类型代码" "no package type code"
    IbanShort "iban-too-short" IBAN "IBAN太短" "the IBAN is too short"
    IbanLong "iban-too-long" IBAN "IBAN太长" "the IBAN is too long"
    IbanCharacter "invalid-iban-character" IBAN "IBAN只含数字和大写字母" "an IBAN has digits and capital letters only"
    IbanCountry "illegal-iban-country-code" IBAN "IBAN须以国家代码开头" "an IBAN begins with a country code"
    IbanCheck "incorrect-iban-checksum" IBAN "IBAN校验和不正确" "the checksum of the IBAN is wrong"
    NoGcpLength "coupon-missing-gcp-vli" COUPON "缺少厂商识别代码长度" "the length of the company prefix is missing"
    BadGcpLength "coupon-invalid-gcp-length" COUPON "厂商识别代码长度无效" "the length of the company prefix is invalid"
    CutGcp "coupon-truncated-gcp" COUPON "厂商识别代码不完整" "the company prefix is cut off"
    CutOffer "coupon-truncated-offer-code" COUPON "优惠代码不完整" "the offer code is cut off"
    NoSaveLength "coupon-missing-save-value-vli" COUPON "缺少优惠额长度" "the length of the save value is missing"
    BadSaveLength "coupon-invalid-save-value-length" COUPON "优惠额长度无效" "the length of the save value is invalid"
    CutSave "coupon-truncated-save-value" COUPON "优惠额不完整" "the save value is cut off"
    NoFirstLength "coupon-missing-1st-purchase-requirement-vli" COUPON "缺少第一购买要求长度" "the length of the first purchase requirement is missing"
    BadFirstLength "coupon-invalid-1st-purchase-requirement-length" COUPON "第一购买要求长度无效" "the length of the first purchase requirement is invalid"
    CutFirst "coupon-truncated-1st-purchase-requirement" COUPON "第一购买要求不完整" "the first purchase requirement is cut off"
    NoFirstCode "coupon-missing-1st-purchase-requirement-code" COUPON "缺少第一购买要求代码" "the first purchase requirement code is missing"
    BadFirstCode "coupon-invalid-1st-purchase-requirement-code" COUPON "第一购买要求代码无效" "the first purchase requirement code is invalid"
    CutFirstFamily "coupon-truncated-1st-purchase-family-code" COUPON "第一购买族代码不完整" "the first purchase family code is cut off"
    NoRules "coupon-missing-additional-purchase-rules-code" COUPON "缺少附加购买规则代码" "the additional purchase rules code is missing"
    BadRules "coupon-invalid-additional-purchase-rules-code" COUPON "附加购买规则代码无效" "the additional purchase rules code is invalid"
    NoSecondLength "coupon-missing-2nd-purchase-requirement-vli" COUPON "缺少第二购买要求长度" "the length of the second purchase requirement is missing"
    BadSecondLength "coupon-invalid-2nd-purchase-requirement-length" COUPON "第二购买要求长度无效" "the length of the second purchase requirement is invalid"
    CutSecond "coupon-truncated-2nd-purchase-requirement" COUPON "第二购买要求不完整" "the second purchase requirement is cut off"
    NoSecondCode "coupon-missing-2nd-purchase-requirement-code" COUPON "缺少第二购买要求代码" "the second purchase requirement code is missing"
    BadSecondCode "coupon-invalid-2nd-purchase-requirement-code" COUPON "第二购买要求代码无效" "the second purchase requirement code is invalid"
    CutSecondFamily "coupon-truncated-2nd-purchase-family-code" COUPON "第二购买族代码不完整" "the second purchase family code is cut off"
    NoSecondGcpLength "coupon-missing-2nd-purchase-gcp-vli" COUPON "缺少第二购买厂商识别代码长度" "the length of the second purchase company prefix is missing"
    BadSecondGcpLength "coupon-invalid-2nd-purchase-gcp-length" COUPON "第二购买厂商识别代码长度无效" "the length of the second purchase company prefix is invalid"
    CutSecondGcp "coupon-truncated-2nd-purchase-gcp" COUPON "第二购买厂商识别代码不完整" "the second purchase company prefix is cut off"
    NoThirdLength "coupon-missing-3rd-purchase-requirement-vli" COUPON "缺少第三购买要求长度" "the length of the third purchase requirement is missing"
    BadThirdLength "coupon-invalid-3rd-purchase-requirement-length" COUPON "第三购买要求长度无效" "the length of the third purchase requirement is invalid"
    CutThird "coupon-truncated-3rd-purchase-requirement" COUPON "第三购买要求不完整" "the third purchase requirement is cut off"
    NoThirdCode "coupon-missing-3rd-purchase-requirement-code" COUPON "缺少第三购买要求代码" "the third purchase requirement code is missing"
    BadThirdCode "coupon-invalid-3rd-purchase-requirement-code" COUPON "第三购买要求代码无效" "the third purchase requirement code is invalid"
    CutThirdFamily "coupon-truncated-3rd-purchase-family-code" COUPON "第三购买族代码不完整" "the third purchase family code is cut off"
    NoThirdGcpLength "coupon-missing-3rd-purchase-gcp-vli" COUPON "缺少第三购买厂商识别代码长度" "the length of the third purchase company prefix is missing"
    BadThirdGcpLength "coupon-invalid-3rd-purchase-gcp-length" COUPON "第三购买厂商识别代码长度无效" "the length of the third purchase company prefix is invalid"
    CutThirdGcp "coupon-truncated-3rd-purchase-gcp" COUPON "第三购买厂商识别代码不完整" "the third purchase company prefix is cut off"
    ShortExpiry "coupon-too-short-for-expiration-date" COUPON "不足以容纳截止日期" "too short for an expiration date"
    // The misspelling is that of the public test data, whose codes these are.
    BadExpiry "coupon-invalid-exipiration-date" COUPON "截止日期无效" "the expiration date is invalid"
    ShortStart "coupon-too-short-for-start-date" COUPON "不足以容纳起始日期" "too short for a start date"
    BadStart "coupon-invalid-start-date" COUPON "起始日期无效" "the start date is invalid"
    ExpiryBeforeStart "coupon-expiration-before-start" COUPON "截止日期早于起始日期" "the expiration date is before the start date"
    NoSerialLength "coupon-missing-serial-number-vli" COUPON "缺少系列号长度" "the length of the serial number is missing"
    CutSerial "coupon-truncated-serial-number" COUPON "系列号不完整" "the serial number is cut off"
    NoRetailerLength "coupon-missing-retailer-gcp-or-gln-vli" COUPON "缺少零售商代码长度" "the length of the retailer's company prefix or GLN is missing"
    BadRetailerLength "coupon-invalid-retailer-gcp-or-gln-length" COUPON "零售商代码长度无效" "the length of the retailer's company prefix or GLN is invalid"
    CutRetailer "coupon-truncated-retailer-gcp-or-gln" COUPON "零售商代码不完整" "the retailer's company prefix or GLN is cut off"
    NoSaveCode "coupon-missing-save-value-code" COUPON "缺少优惠额代码" "the save value code is missing"
    BadSaveCode "coupon-invalid-save-value-code" COUPON "优惠额代码无效" "the save value code is invalid"
    NoApplies "coupon-missing-save-value-applies-to-item" COUPON "缺少优惠适用项" "what item the save value applies to is missing"
    BadApplies "coupon-invalid-save-value-applies-to-item" COUPON "优惠适用项无效" "what item the save value applies to is invalid"
    NoStore "coupon-missing-store-coupon-flag" COUPON "缺少门店券标志" "the store coupon flag is missing"
    NoMultiply "coupon-missing-dont-multiply-flag" COUPON "缺少禁止翻倍标志" "the flag against multiplying is missing"
    BadMultiply "coupon-invalid-dont-multiply-flag" COUPON "禁止翻倍标志无效" "the flag against multiplying is invalid"
    Excess "coupon-excess-data" COUPON "末尾有多余数据" "there are data after the end"
    NoFormat "coupon-missing-format-code" OFFER "缺少格式代码" "the format code is missing"
    BadFormat "coupon-invalid-format-code" OFFER "格式代码须为0或1" "the format code is 0 or 1"
    NoFunderLength "coupon-missing-funder-vli" OFFER "缺少出资方标识长度" "the length of the funder is missing"
    BadFunderLength "coupon-invalid-funder-length" OFFER "出资方标识长度无效" "the length of the funder is invalid"
    CutFunder "coupon-truncated-funder" OFFER "出资方标识不完整" "the funder is cut off"
}
