"""The functions that HogQL knows, and what ClickHouse calls them.

Source: PostHog's posthog/hogql/functions (2026-07). A name that isn't here is refused, as PostHog refuses it.
"""

import re
from collections.abc import Mapping

# Called alike in both.
SAME = frozenset(
    """
    plus minus multiply divide intDiv intDivOrZero modulo moduloOrZero positiveModulo negate abs gcd lcm max2 min2
    multiplyDecimal divideDecimal equals notEquals less greater lessOrEquals greaterOrEquals and or xor not
    if multiIf coalesce ifNull nullIf isNull isNotNull assumeNotNull toNullable
    empty notEmpty length reverse in notIn array range arrayConcat arrayElement has hasAll hasAny hasSubstr indexOf
    arrayCount countEqual arrayEnumerate arrayEnumerateUniq arrayPopBack arrayPopFront arrayPushBack arrayPushFront
    arrayResize arraySlice arraySort arrayReverseSort arrayUniq arrayJoin arrayDifference arrayDistinct
    arrayEnumerateDense arrayIntersect arrayReverse arrayFilter arrayFlatten arrayCompact arrayZip arrayMap arrayFill
    arraySplit arrayReverseFill arrayReverseSplit arrayExists arrayAll arrayFirst arrayLast arrayFirstIndex
    arrayLastIndex arrayMin arrayMax arraySum arrayAvg arrayCumSum arrayCumSumNonNegative arrayProduct
    arrayStringConcat arrayReduce arrayRotateLeft arrayRotateRight arrayFold arrayPartialSort
    hex unhex reinterpretAsUInt8 reinterpretAsUInt64 reinterpretAsInt64 reinterpretAsFloat64 reinterpretAsUUID
    toUUIDOrDefault toBool toJSONString toTypeName cityHash64 toInt8 toInt16 toInt32 toInt64 toUInt8 toUInt16 toUInt32
    toUInt64 toFloat32 toFloat64
    timeZoneOf timeZoneOffset toYear toQuarter toMonth toDayOfYear toDayOfMonth toDayOfWeek toHour toMinute toSecond
    toUnixTimestamp toUnixTimestamp64Milli fromUnixTimestamp64Milli toStartOfInterval toStartOfYear toStartOfISOYear
    toStartOfQuarter toStartOfMonth toLastDayOfMonth toMonday toStartOfWeek toStartOfDay toLastDayOfWeek toStartOfHour
    toStartOfMinute toStartOfSecond toStartOfFiveMinutes toStartOfTenMinutes toStartOfFifteenMinutes toTime toISOYear
    toISOWeek toWeek toYearWeek age dateAdd dateSub dateDiff dateTrunc timeStampAdd timeStampSub timeSlot toYYYYMM
    toYYYYMMDD toYYYYMMDDhhmmss addYears addMonths addWeeks addDays addHours addMinutes addSeconds addQuarters
    subtractYears subtractMonths subtractWeeks subtractDays subtractHours subtractMinutes subtractSeconds
    subtractQuarters timeSlots formatDateTime dateName monthName fromUnixTimestamp toIntervalSecond toIntervalMinute
    toIntervalHour toIntervalDay toIntervalWeek toIntervalMonth toIntervalQuarter toIntervalYear
    lengthUTF8 leftPad rightPad leftPadUTF8 rightPadUTF8 lower upper lowerUTF8 upperUTF8 isValidUTF8 toValidUTF8 format
    reverseUTF8 concat substring substringUTF8 appendTrailingCharIfAbsent convertCharset base58Encode base58Decode
    tryBase58Decode base64Encode base64Decode tryBase64Decode endsWith startsWith encodeXMLComponent decodeXMLComponent
    extractTextFromHTML ascii concatWithSeparator position positionCaseInsensitive positionUTF8
    positionCaseInsensitiveUTF8 multiSearchAllPositions multiSearchAllPositionsUTF8 multiSearchFirstPosition
    multiSearchFirstIndex multiSearchAny multiSearchAllPositionsCaseInsensitive multiSearchAnyUTF8
    multiSearchAnyCaseInsensitive multiSearchAnyCaseInsensitiveUTF8 match multiMatchAny multiMatchAnyIndex
    multiMatchAllIndices extract extractAll extractAllGroupsHorizontal extractAllGroupsVertical extractGroups like
    ilike notLike notILike locate ngramDistance ngramSearch countSubstrings countSubstringsCaseInsensitive countMatches
    countMatchesCaseInsensitive hasSubsequence hasSubsequenceCaseInsensitive hasToken hasTokenCaseInsensitive
    regexpExtract replace replaceAll replaceOne replaceRegexpAll replaceRegexpOne regexpQuoteMeta translate
    translateUTF8 splitByChar splitByString splitByRegexp splitByWhitespace splitByNonAlpha alphaTokens
    extractAllGroups ngrams tokens repeat initcap trimLeft trimRight trim
    e pi exp log log2 log10 exp2 exp10 sqrt cbrt erf erfc lgamma tgamma sin cos tan asin acos atan pow power intExp2
    intExp10 cosh acosh sinh asinh atanh atan2 hypot log1p sign degrees radians factorial width_bucket
    floor ceil trunc round roundBankers roundToExp2 roundDuration roundAge roundDown
    bitAnd bitOr bitXor bitNot bitShiftLeft bitShiftRight bitTest bitCount byteSwap
    greatest least tuple tupleElement untuple map mapFromArrays mapAdd mapSubtract mapContains mapKeys mapValues
    mapContainsKeyLike mapExtractKeyLike mapApply mapFilter mapUpdate
    isValidJSON JSONHas JSONLength JSONArrayLength JSONType JSONExtractUInt JSONExtractInt JSONExtractFloat
    JSONExtractBool JSONExtractString JSONExtractKey JSONExtractKeys JSONExtractRaw JSONExtractArrayRaw
    JSONExtractKeysAndValues JSONExtractKeysAndValuesRaw JSONExtract JSON_VALUE simpleJSONHas
    domain domainWithoutWWW topLevelDomain firstSignificantSubdomain cutToFirstSignificantSubdomain protocol port path
    pathFull queryString fragment queryStringAndFragment extractURLParameter extractURLParameters
    extractURLParameterNames URLHierarchy URLPathHierarchy encodeURLComponent decodeURLComponent cutWWW cutQueryString
    cutFragment cutURLParameter netloc
    generateUUIDv4 rand rand64 isFinite isInfinite ifNotFinite isNaN bar transform formatReadableSize
    formatReadableQuantity formatReadableTimeDelta runningDifference neighbor MD5 SHA1 SHA256 sipHash64 halfMD5
    IPv4NumToString IPv4StringToNum toIPv4 toIPv6 isIPv4String isIPv6String isIPAddressInRange
    row_number rank dense_rank first_value last_value nth_value lagInFrame leadInFrame ntile percent_rank cume_dist
    tumble hop ignore
    """.split()
)
# A name in any case: PostHog takes these few so.
ANY_CASE = {
    each.lower(): each
    for each in "if coalesce ifNull nullIf isNull lower upper concat substring ascii position extract replace trim"
    " not and or xor count min max sum avg now abs round floor ceil sqrt exp log pow power greatest least rank lag lead"
    " row_number dense_rank first_value last_value".split()
}
# What stands for a call: {0}, {1} … are the arguments, {all} all of them; {tz} is the timezone (`ZONED`), {now} the
# present moment, {utc_day} today's date in UTC.
TEMPLATES: Mapping[str, str] = {
    "toInt": "accurateCastOrNull({0}, 'Int64')",
    "toIntOrZero": "toInt64OrZero({0})",
    "toFloat": "accurateCastOrNull({0}, 'Float64')",
    "toFloatOrZero": "toFloat64OrZero({0})",
    "toFloatOrDefault": "toFloat64OrDefault({all})",
    "toDecimal": "accurateCastOrNull({0}, concat('Decimal64(', toString({1}), ')'))",
    "toUUID": "accurateCastOrNull({0}, 'UUID')",
    "toNullableString": "accurateCastOrNull({0}, 'Nullable(String)')",
    "toString": "toString({all})",
    "now": "toTimeZone({now}, {tz})",
    "current_timestamp": "toTimeZone({now}, {tz})",
    "today": "{utc_day}",
    "current_date": "{utc_day}",
    "yesterday": "({utc_day} - 1)",
    "parseDateTime": "parseDateTimeOrNull({0}, {1}, {tz})",
    "parseDateTimeBestEffort": "parseDateTime64BestEffortOrNull({0}, 6, {tz})",
    "toDateTimeUS": "parseDateTime64BestEffortUSOrNull({0}, 6, {tz})",
    "date_diff": "dateDiff({all})",
    "date_trunc": "dateTrunc({all})",
    "date_add": "plus({0}, {1})",
    "date_subtract": "minus({0}, {1})",
    "to_timestamp": "toDateTime(fromUnixTimestamp({0}), {tz})",
    "to_char": "formatDateTime({0}, {1}, {tz})",
    "toTimeZone": "toTimeZone({0}, {tz})",
    "timezone": "toTimeZone({1}, {0})",
    "make_date": "makeDate({all})",
    "toModifiedJulianDay": "toModifiedJulianDayOrNull({0})",
    "fromModifiedJulianDay": "fromModifiedJulianDayOrNull({0})",
    "left": "leftUTF8({0}, {1})",
    "right": "rightUTF8({0}, {1})",
    "ltrim": "trimLeft({all})",
    "rtrim": "trimRight({all})",
    "btrim": "trim({all})",
    "lpad": "leftPad({all})",
    "rpad": "rightPad({all})",
    "split_part": "splitByString({1}, {0})[{2}]",
    "mod": "modulo({all})",
    "ceiling": "ceil({all})",
    "ln": "log({0})",
    "lag": "lagInFrame({all})",
    "lead": "leadInFrame({all})",
    "numbers": "numbers({all})",
}
# Takes a timezone as the last of so many arguments; without it, it is that of the project (`tz_aware` in PostHog).
ZONED: Mapping[str, int] = {
    "now": 1, "toTimeZone": 2, "toDateTime": 2, "toDateTimeUS": 2, "parseDateTimeBestEffort": 2, "toDateTime64": 3,
    "parseDateTime": 3, "to_char": 3,
}  # fmt: skip
# The least and the most arguments, of functions of times: ClickHouse gives many of them a timezone, and PostHog few.
ARITY: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys("today yesterday current_date current_timestamp".split(), (0, 0)),
    **dict.fromkeys(
        "timeZoneOf timeZoneOffset toDate to_date toYear toQuarter toMonth toDayOfYear toDayOfMonth toHour toMinute"
        " toSecond toUnixTimestamp64Milli fromUnixTimestamp64Milli toStartOfYear toStartOfISOYear toStartOfQuarter"
        " toStartOfMonth toLastDayOfMonth toMonday toStartOfHour toStartOfMinute toStartOfSecond toStartOfFiveMinutes"
        " toStartOfTenMinutes toStartOfFifteenMinutes toTime toISOYear toISOWeek timeSlot toYYYYMM toYYYYMMDD"
        " toYYYYMMDDhhmmss monthName fromUnixTimestamp".split(),
        (1, 1),
    ),
    **dict.fromkeys("toUnixTimestamp toStartOfWeek toStartOfDay toLastDayOfWeek toString".split(), (1, 2)),
    **dict.fromkeys("toDayOfWeek toWeek toYearWeek".split(), (1, 3)),
    **dict.fromkeys("toStartOfInterval formatDateTime dateTrunc date_trunc".split(), (2, 3)),
    **dict.fromkeys("age dateDiff date_diff".split(), (3, 3)),
    **{name: (2 if name in ("parseDateTime", "to_char") else 1, most) for name, most in ZONED.items()},
    "now": (0, 1),
}
# Aggregates that are another of ClickHouse, and what is made of its value {0} and of the arguments after the first.
WRAPPED: Mapping[str, tuple[str, str]] = {
    "array_agg": ("groupArray", "{0}"),
    "json_agg": ("groupArray", "toJSONString({0})"),
    "string_agg": ("groupArray", "arrayStringConcat({0}, {1})"),
    "every": ("min", "toBool({0})"),
    "avgArray": ("avgArrayOrNull", "{0}"),
    "medianArray": ("medianArrayOrNull", "{0}"),
}
AGGREGATES = frozenset(
    """
    count countDistinct min max sum avg any anyHeavy anyLast argMin argMax stddevPop stddevSamp varPop varSamp covarPop
    covarSamp corr groupArray groupUniqArray groupUniqArrayArray groupArrayInsertAt groupArrayMovingAvg
    groupArrayMovingSum groupArraySample groupBitAnd groupBitOr groupBitXor groupBitmap sumWithOverflow deltaSum
    deltaSumTimestamp sumMap minMap maxMap avgMap avgWeighted skewSamp skewPop kurtSamp kurtPop uniq uniqExact uniqHLL12
    uniqTheta uniqMap uniqUpTo median medianExact quantile quantiles quantileExact quantilesExact quantileDeterministic
    quantileTiming quantileTDigest quantileInterpolatedWeighted topK simpleLinearRegression windowFunnel retention
    sequenceMatch sequenceCount entropy contingency cramersV mannWhitneyUTest studentTTest welchTTest
    array_agg json_agg string_agg every avgArray medianArray
    """.split()
)
_COMBINATOR = re.compile(r"(?:If|Array|Map|State|Merge|ForEach|OrDefault|OrNull|ArgMin|ArgMax)$")
# What comes out, where it matters for what is made of it; "0" and "-1" are the kind of the first or the last argument.
KINDS = {
    **dict.fromkeys(
        "now toDateTime toDateTime64 toDateTimeUS toStartOfDay toStartOfHour toStartOfMinute toStartOfSecond"
        " toStartOfFiveMinutes toStartOfTenMinutes toStartOfFifteenMinutes parseDateTime parseDateTimeBestEffort"
        " toTimeZone fromUnixTimestamp to_timestamp current_timestamp timezone".split(),
        "DateTime",
    ),
    **dict.fromkeys(
        "toDate today yesterday toStartOfWeek toStartOfMonth toStartOfQuarter toStartOfYear toLastDayOfMonth toMonday"
        " current_date".split(),
        "Date",
    ),
    **dict.fromkeys("toString lower upper concat substring trim extract replaceRegexpAll replaceAll".split(), "String"),
    **dict.fromkeys("toInt count countIf uniq length toHour toUnixTimestamp dateDiff countDistinct".split(), "Int"),
    **dict.fromkeys("toFloat avg divide".split(), "Float"),
    **dict.fromkeys(
        "min max any anyLast argMin argMax minIf maxIf anyIf argMinIf argMaxIf nullIf ifNull coalesce assumeNotNull"
        " toNullable addDays addHours addWeeks addMonths addMinutes addSeconds subtractDays subtractHours subtractWeeks"
        " subtractMonths toStartOfInterval plus minus".split(),
        "0",
    ),
    **dict.fromkeys("if multiIf dateTrunc".split(), "-1"),
}
# Never null, whatever goes in.
NEVER_NULL = frozenset(
    "now today yesterday count countIf uniq uniqIf uniqExact countDistinct isNull isNotNull array groupArray"
    " groupUniqArray tuple cityHash64 equals".split()
)


def known(name: str) -> str | None:
    """The function's proper name, or None where HogQL has no such function."""
    if name in SAME or name in TEMPLATES or name in ("toDate", "to_date", "toDateTime", "toDateTime64"):
        return name
    if is_aggregate(name):
        return name
    return ANY_CASE.get(name.lower())


def is_aggregate(name: str) -> bool:
    """Whether the function aggregates, combinators such as `If` included."""
    if name in AGGREGATES or name.lower() in ("count", "min", "max", "sum", "avg"):
        return True
    base = _COMBINATOR.sub("", name)
    return base != name and is_aggregate(base)
