"""Measure words of Chinese by kind, the numerals before them, and what a text writes in other characters.

Sources: classifiers as in 现代汉语八百词 (Lü Shuxiang), its table of nouns and their classifiers; legal units as in
GB 3100-93; market units (亩 斤 里 …); currency names as in ISO 4217. A word that is mostly something else after a
Chinese numeral (三方, 四面, 二手) stands in `ARABIC_ONLY`: it measures only after Arabic figures. All patterns read
text that `fold_text` has folded.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["classifier", "time", "unit", "money", "ratio"]

MEASURES: dict[Kind, str] = {
    "classifier": (
        "个 位 名 人 户 口 家 户次 人次 人份 人家 所 座 栋 幢 间 处 层 套 扇 顶 堵 项 件 批 种 类 样 款 份 封 篇 本 册 卷 部 章 "
        "首 幅 张 页 行 段 句 条 根 枝 支 株 棵 丛 片 块 颗 粒 枚 滴 朵 只 头 匹 峰 尾 羽 窝 群 对 双 副 组 队 伙 帮 班 班次 排 列 "
        "辆 辆次 台 台次 台套 架 架次 艘 艘次 列次 部次 门 挺 把 盏 面 杆 眼 孔 道 股 束 串 捆 堆 叠 摞 沓 包 袋 箱 筐 篓 桶 瓶 "
        "罐 盒 杯 碗 盘 碟 盆 勺 壶 锅 坛 车 车次 船 车皮 担 床 桌 席 餐 顿 场 场次 次 回 趟 遍 轮 番 步 圈 局 集 期 届 届次 代 辈 "
        "例 起 宗 桩 笔 单 票 则 档 档次 味 剂 剂次 服 针 瓣 节 环 站 站次 级 重 方 件套 套件 件次 家次 项次 例次 批次 点 个点 下 手 具 尊 "
        "贴 曲 出 幕 标箱 标准箱 艘船 字 倍速 维 系列 路 声 丝 缕 团 锭 帧 枪 畦 垄 线 球 响 发 棒 洞 坊 回合 疗程 门类 "
        "穴 兜 茬 开 载 任"
    ),
    "time": (
        "年 周年 周岁 天 日 周 夜 晚 小时 分钟 分多钟 分半钟 秒 秒钟 刻钟 毫秒 微秒 昼夜 个月 个半月 个多月 个小时 个半小时 个多小时 "
        "个钟头 个星期 个礼拜 个半星期 个多星期 个工作日 个交易日 个自然日 个季度 个学期 个世纪 个半世纪 个多世纪 个年头 工时 课时 学时 "
        "年半 天半 岁 岁半 旬 光年 光分 光秒 星期"
    ),
    "unit": (
        "公里 千米 米 分米 厘米 毫米 微米 纳米 公尺 公分 公厘 里 华里 丈 尺 寸 英里 英尺 英寸 英呎 英吋 呎 吋 哩 英哩 海里 "
        "平方公里 平方千米 平方米 平方厘米 平方毫米 平方英尺 平方英呎 平方英里 平方英哩 平方公尺 平方呎 平米 坪 公顷 亩 市亩 英亩 顷 垧 "
        "立方米 立方 立方厘米 立方公里 立方分米 立方英尺 立方公尺 方 升 千升 毫升 公升 加仑 蒲式耳 吨 公吨 "
        "公斤 千克 克 毫克 微克 斤 市斤 台斤 两 钱 磅 盎司 克拉 担 千瓦 千瓦时 兆瓦 兆瓦时 瓦 瓦时 吉瓦 吉瓦时 千伏 千伏安 伏 毫安 毫安时 安培 "
        "欧姆 赫兹 兆赫 千赫 吉赫 焦耳 千焦 兆焦 兆焦耳 卡路里 卡 大卡 千卡 马力 帕 千帕 百帕 兆帕 毫米汞柱 毫米水柱 牛顿 分贝 流明 勒克斯 "
        "摄氏度 华氏度 度 度电 ℃ ℉ °C °F ° 级 字节 兆 比特 像素 转 马赫 里氏 吨公里 人公里 分 点 节 厘 标准立方米 天文单位"
    ),
    "money": (
        "元 块 块钱 角 角钱 毛 毛钱 分钱 元钱 圆 人民币 港元 港币 美元 美金 美分 欧元 欧分 英镑 镑 便士 日元 日圆 日币 韩元 韩圆 韩币 "
        "澳元 澳币 澳大利亚元 新西兰元 加元 加拿大元 卢布 法郎 瑞郎 瑞士法郎 马克 里拉 比索 披索 菲律宾比索 菲律宾披索 墨西哥比索 卢比 印度卢比 "
        "泰铢 铢 新元 新币 新加坡元 新台币 台币 澳门元 澳门币 林吉特 令吉 盾 越南盾 印尼盾 第纳尔 里亚尔 里尔 迪拉姆 兰特 克朗 丹麦克朗 瑞典克朗 "
        "挪威克朗 福林 兹罗提 列伊 列弗 格里夫纳 坚戈 图格里克 索莫尼 索姆 苏姆 马纳特 拉里 先令 埃镑 雷亚尔 奈拉 新谢克尔 谢克尔 里格 里弗尔 塔卡 "
        "缅元 基普 瑞尔 比特币"
    ),
    "ratio": "倍 成 折 % ‰ ‱ 个百分点 百分点 个千分点 个基点 基点 番",
}
_ARABIC_ONLY = "方 级 期 手 路 字 角 毛 两 钱 点 圆 单 下 站 节 开 出 重 声 卡 兆 转 任 载 味 班 局 安培 丝 线 球 响 发 棒 洞 坊 环 镑"
ARABIC_ONLY = frozenset(_ARABIC_ONLY.split())
# Units in letters, whatever their case; a single letter only in its own.
ASCII_UNIT = (
    r"(?:(?i:k?bps|mbps|gbps|[kmgtp]b|[km]?cal|[kmgt]?wh|[kmg]w|[kmg]?hz|[kmcdnμµ]m|hm|[kmμµ]?mol|mmhg|[mhk]?pa|mah|kva?|"
    r"[kmμµ]g|[mdμµ]l|db|pp[mb]|cc|[km]ph|[kmg]?bq|rpm|fps|dpi|[tp]?flops|pf|iu|[km]ev|kj|kn|lx|lm|ms|mm)|[kMμ]?Ω|[mgtVWLJP]|[㎎-㏓ℓ])"
    r"(?:[²³]|(?<=m)[23])?(?![A-Za-z0-9])"
)
# 一 and 两 with these say a real quantity (一亩, 两年); with a classifier they say "a" or "some".
EXACT_KINDS = frozenset(("time", "unit", "money", "ratio"))
EXACT_WORDS = frozenset(("人", "户"))
# Parts of one quantity, larger first: 5元8角, 3小时20分钟.
SMALLER = (
    ("元", "角", "分", "厘"),
    ("块", "毛", "分", "角"),
    ("美元", "美分"),
    ("年", "个月", "周", "天", "日", "小时", "分钟", "秒"),
    ("周", "天"),
    ("天", "夜", "晚"),
    ("天", "个小时"),
    ("个小时", "分钟", "分", "秒"),
    ("小时", "分", "秒"),
    ("分钟", "秒"),
    ("分", "秒"),
    ("度", "分", "秒"),
    ("公里", "米", "厘米", "毫米"),
    ("丈", "尺", "寸"),
    ("英尺", "英寸"),
    ("吨", "公斤", "斤", "两", "钱", "克"),
    ("公顷", "亩", "分"),
    ("升", "毫升"),
)
# What makes another word of the measure word before it, after a Chinese numeral (四处理, 一家具).
NOT_BEFORE: dict[str, str] = {
    "个": "体户|体工商|性化|人所得|一工程|中滋味|中原因",
    "人": "制|民|类|口|大(?!多)|员|士|物|数|均|事|生|间|才|力(?!车)|气|格|文|体|造|行道|质|选|为|缘|性|称|脉|行横道",
    "户": "口|籍|外|型|主(?!要|动)|均|部",
    "家": "庭|长(?!期)|属(?!于)|具(?!备|有)|园(?!区|林)|乡(?!镇)|畜|禽|务|教|子|店(?=[村乡镇])|庄|屯|湾|沟|窝|堡|族|渠|坪|坡|寨|峪",
    "年": "制|代|级|度|份|龄|轻|底|初|末|夜|货|画|关|会|报|鉴|检|华|景|薪|限|糕|[0-9]{1,2}[月日]|[一二三四五六七八九十]+月|(?:攻坚)?行动|规划|计划(?!投|实|完|建|培|新|引|达|在)|变局|义务教育|战争|抗战|浩劫",
    "天": "气|然|空|津|安门|山|线|下|地|堂|文|使|才(?!能|可|会)|主|河|灾",
    "日": "军|本|报(?![告送经环请])|语|常|均|产|电|耗|期|子|程|益|渐|照|记|历|元|币|[上下]午",
    "晚": "期|年|会|间|上|报|宴|餐|饭|霞|稻|熟|婚|[一二三四五六七八九]",
    "盘": "山",
    "发": "展|电|现|布|放|生|行|起|动|出|挥|射|达|明|表|送|车|货|票|文|酵",
    "球": "季|队|员|迷|场|赛",
    "个点": "位",
    "方": "面|案|位|向|式|法|便|可|针|阵|队|程",
    "期": "间|货|末|刊|待|望|限",
    "次": "特快|列车|航班|旅客|快车|日|年|要|序|级|元|品|生|数|第|会议室|产业",
    "名": "单|额|称|牌|字|录",
    "位": "置|于|数|移|次",
    "米": "粉|饭|面|酒|线|脂|兰",
    "元": "旦|素|月|宵|首|件|老|帅|代|朝|年|气|坝",
    "块": "状|茎",
    "分": (
        "之|钟|别|局|公司|布|成|期|明|散|行|店|部|校|院|会|为|析|配|管|子|队|类|组|册|工|区|支|离|开|流|头|级|段|手|歧|"
        "享|担|批|解|米|贝|地|社|厂|库|所"
    ),
    "里": "面|边|屋|弄|氏|铺|庄|店|堡|桥|河|坡|岗|屯|墩|塘|程|沟|湾|坪|坝|村|长|约|拉|香|斯|海|山|泉",
    "道": "沟|河|岭|湾|口|梁|路|德|理|教|家|具|班|士|外|里",
    "台": "子|河|山|湾|县|风|州|北|中|南|东|商|胞|资|属|阶|账|词",
    "间": "房[村乡镇]|隔|接|断",
    "棵": "树[村乡镇]",
    "口": "岸|号|径|味|语|碑|头|袋|腔|粮|罩|述|径|技|感|井[村乡镇]",
    "周": "边|围|岁|年|期|恩|刊|报|末|转|折|密|到|[一二三四五六日]|庄|村",
    "夜": "间|晚|景|里|市",
    "成": "立|为|功|员|果|本|长|都|熟|绩|就|套|分|人|型|品|年|因|效|语|名|交|灾|群|批|片|县|武",
    "折": "旧|射|磨|合|叠|腾|扣|算|断|返",
    "倍": "加|增|感|受|速",
    "番": "茄|薯|禺|号",
    "级": "别|联|党|领导|书记|人大|政府|机关|组织|部门|网络|市场|管理|财政|联动|干部|医院|甲|乙|联创",
    "点": "钟|半|整|名|评|击|火|滴|燃|头|赞|缀|子|多|左右|许|[0-9０-９]|[一二三四五六七八九十]",
    "度": "过|假|量|数|日|汛|春|冬|夏|暑",
    "部": "门|队|分|长(?!篇)|级|署|落|委|位|件|里|下|属|族",
    "处": "理|于|长|分|境|罚|级|置|在|事|女|暑|方|所|室",
    "所": "有|以|得|谓|属|在|需|长|能|致",
    "队": "伍|员|长|友|列|形|里|部",
    "班": "子|级|主任|长|车|次|机|组|轮|里",
    "组": "织|长|成|建|合|图|员|团|装|委|阁|稿|诗",
    "层": "次|级|面|出|层|楼[村]|林",
    "场": "所|地|面|馆|合|景|长|均|内|外|边",
    "门": "口|诊|户|槛|票|框|类|徒|牌|面|市|前|外|下|峡|球|将|头沟|县|源|塘",
    "条": "件|例|约|款|理|纹",
    "项": "目(?!标)|链|圈|羽",
    "件": "数",
    "件套": "装",
    "种": "植(?!物|被)|子|地|粮|群|族|田|养|苗|草|树|猪|菜|类繁",
    "类": "似|型|别|风湿|毒|人猿|同",
    "排": "名|放|列|队|除|练|水|污|球|查|挡|序|头|长",
    "群": "众|体|山|岛|星",
    "两": "(?![，。、；：）,;) ]|$|重|左右|以上|以下|酒|米|肉|黄金|白银|银)",
    "列": "车|入|为|席|举|宁|传|强|国",
    "节": "约|省|日|能|点|目|气|水|奏|俭|假|育|制|流|电|选|庆",
    "回": "来|去|到|归|合|族|报|收|升|落|答|民|顾|应|家|国|访|乡|路|暖",
    "只": "有|是|要|能|好|得|不过|会|剩|见|需|身|为|因|想|求|顾",
    "对": "于|外|口|象|待|策|比|话|立|接|应|手|照|抗|方|称|华|此|其|我|该|这|准|内|台|上|下|社会|企业",
    "双": "方|边|重|赢|向|拥|学|休|职|创|百|语|胞|人|手",
    "头": "脑|等|条|版|领|痛|号|发|顶|目|衔|绪|上|沟",
    "面": "对|向|临|积|前|包|粉|貌|试|部|子|孔|料|条|临|世|谈|上|红旗渠",
    "下": "来|去|面|降|滑|岗|乡|属|列|令|半|午|次|一步|辖|设|达|调|发|跌",
    "步": "行|入|骤|伐|枪|兵|道",
    "代": "表|理|替|价|码|办|县|言|销|购|工|沟|管",
    "辈": "子|出",
    "把": "握|关|手|门|柄|它|他|这|我|农|党|企|工",
    "单": "位|独|纯|一|身|价|元|项|产|方|个|打|双|向",
    "站": "点|台|在|长|岗|稳|起|出|立",
    "轮": "流|番|换|船|胎|椅|训|廓|岗|作|渡",
    "系列": "化",
    "片": "面|区|段|刻|酬|头|警|儿",
    "起": "来|草|步|点|到|家|床|诉(?!讼)|义|源|跑|飞(?!行|机)|初|码|重机|价",
    "桶": "装",
    "箱": "子|包|式|体",
    "包": "括|含|裹|装|子|村|扶|片|联|围|头|容|办|干|揽|产",
    "车": "间|站|辆|票|祸|道|主|型|厢|流|程|速|位|轮|牌|库|队|展|险|上|里|内|祸|管|友|行",
    "船": "舶|员|只|队|长|厂|票|上",
    "床": "位|铺|上|单",
    "桌": "子|面|上|椅",
    "任": "务|何|意|命|职|性|期|由|教|用|村|县|书记|主任",
    "载": "体|客|货|重|人|入|誉|波",
    "开": "展|放|始|发|设|工|通|会|业|办|门|车|创|幕|庭|拓|支|奖|局",
    "出": "来|去|现|台|口|资|席|发|版|租|售|生|境|动|产|色|名|入|行|于|路|土|血|任|访|海|国",
    "重": "要|点|大|视|新|复|量|庆|建|组|返|申|病|工|任|税|伤|症|罪|型|压|心|叠",
    "声": "音|明|称|誉|势|望|援|响|乐",
    "路": "线|灯|口|面|段|过|上|边|程|径|政|人|基|军|网|子",
    "字": "样|面|体|母|典|画|幕|号|据",
    "团": "结|队|体|员|委|圆|长|购|中央|伙|聚|支",
    "字节": "跳动",
    "瓦": "房|斯|片|解|窑|砾|屋|特",
    "克": "服|隆|制|拉玛|勒|什|里|罗|东|山|扣|己",
    "升": "级|降|高|学|值|温|至|到|入|旗|任|空|起|格|迁",
    "吨": "位",
    "亩": "均|产",
    "枪": "手|支|击|杀|声|械|战|弹",
    "眼": "睛|前|看|光|下|界|见|科|神|泪|里|镜",
    "辆": "份",
    "孔": "子|雀|庙|府",
    "峰": "会|值|峦|顶|回",
    "羽": "毛|绒|翼",
    "串": "联|通|门",
    "批": "准|判|评|发|示|复|次|改|量|文|捕|阅|转",
    "例": "外|如|行|会|证|题|子",
    "章": "程|节|法",
    "首": "先|都|次|府|届|位|要|席|创|批|相|脑|家|个|日",
    "套": "路|餐|现|取|期|房(?=价)|种|袋|话",
    "档": "案|期",
}

# After Arabic figures a measure word is what it seems (2人生还, 3天下来) but before these.
NOT_BEFORE_AFTER_FIGURES: dict[str, str] = {
    **{word: NOT_BEFORE[word] for word in ARABIC_ONLY | {"年"} if word in NOT_BEFORE},
    "个": "体户|体工商|人所得",
    "人": "制|间|均|民(?!警)|口",
    "户": "口|籍|外|型|主(?!要|动|张|营)|均",
    "家": "庭(?!院)|长(?!期|年|达)|属(?!于|地)|具(?!备|有|体)|园(?!区|林)",
    **{word: NOT_BEFORE[word] for word in ("日", "晚", "球", "个点", "发")},
    "次": "特快|列车|航班|旅客快车|快车|元|产业",
    "名": "单(?!身|亲|位|项)|额|称|牌|字|录(?!用|取)",
    "位": "数(?!据|字|学)|于|置|移",
    "元": "旦|宵|件",
    "分": "之|钟|别|局|公司|布|析|米|贝|队|团",
    "里": "弄|氏|铺|庄|店|屯|墩|村",
    "台": "风|阶|湾|州|账|词",
    "间": "隔",
    "口": "岸|径|号",
    "周": "边|围|期(?!间)|末|[一二三四五六日]",
    "夜": "间|晚",
    "成": "立|为|功|果|都|熟|绩|就",
    "折": "旧|射|叠",
    "番": "茄|薯|禺",
    "部": "门|队|分|署|委|位|件|落|属|长(?!篇|卷|诗|达)",
    "处": "理|于|罚|置|境",
    "所": "以|谓|得|需|示|有(?!关|机)",
    "队": "伍|员|友",
    "组": "织|合|装|建|成(?!员|人|果|绩)|长(?!期)",
    "层": "次|级|面",
    "场": "所|馆|均|景|面|地(?!震)",
    "门": "口|诊|户|槛|牌|类",
    "条": "件|例|款|纹|约(?![0-9０-９])",
    "项": "目(?!标|前|的)|链|圈",
    "件": "数",
    "件套": "装",
    "种": "植(?!物|被)|族",
    "类": "似|型|别",
    "排": "名|列|水|污|除|查",
    "群": "众|体",
    "列": "入|为|举|席|车(?!厢)",
    "节": "约|省|日|能|目|气|奏|俭|假|庆|点",
    "回": "来|归|应|收|升|落|答|顾|族|家",
    "只": "不过|剩",
    "对": "于|口|应|比|话|接|策|外(?!国|籍|地)",
    "双": "边|向|方(?!便)",
    "头": "等|版|条|痛",
    "面": "对|向|积|临|试",
    "步": "骤|枪|伐|入|行(?!动|列)",
    "代": "表|理|码|价|替|办",
    "辈": "子|出",
    "把": "握|它|他|她|这|我|手(?!术|枪|工|电)",
    "轮": "流|换|船|胎|椅|岗|廓|渡|训|番",
    "片": "面|段|刻|酬|警|儿|区(?!域)",
    "起": "来|草|步|点|到|床|源|跑|初|义|诉(?!讼)|飞(?!行|机)",
    "桶": "装",
    "箱": "包|式|体",
    "包": "括|含|裹|围|揽|办|干|装(?!修|饰)",
    "车": "间|站|辆|票|祸|道|型|厢|流|程|速|位|轮|牌|库|队|主(?!要)",
    "船": "舶|员|只|队|长|厂|票",
    "床": "位|铺|单",
    "团": "结|队|体|员|委|购|圆|伙|长(?!期|途)",
    "字": "样|典|画|幕|号|据|母|体(?!会)",
    "瓦": "房|斯|片|解|窑",
    "克": "服|隆|勒|罗|扣",
    "升": NOT_BEFORE["升"],
    "吨": "位",
    "亩": "均|产(?!业|区|地|品)",
    "枪": "手|支|击|械|战|弹",
    "辆": "份",
    "串": "联|通",
    "批": "准|判|评|示|复|改|发(?!往|电|货|放|展)",
    "例": "如|行|会|题|子|外(?!地|籍|国|省|来|伤)",
    "首": "先|都|府|届|席|相|脑|位|家|个|次|创(?!作)",
    "套": "现|取|路(?!灯)|餐(?!桌|具)",
    "档": "案|期",
}

_DIGIT = "一二三四五六七八九"
_CHARACTERS = f"〇零{_DIGIT}十百千万亿廿卅"
ARABIC = (
    r"(?<![0-9.])(?:[0-9]{1,3}+(?: [0-9]{3}(?![0-9])){1,5}+|[0-9]++(?:[,，][0-9]{3}(?![0-9]))*+)"
    r"(?:[.·][0-9]++)?+"
)
# In 万千瓦 and 5千克 千 belongs to the unit; in 几千米 to neither more than the other.
_THOUSAND = "(?:(?<![万亿])千(?![克米瓦伏帕赫卡焦])|(?<=[几数])(?<!十几)千)"
# 3万2千, 1亿2000万: smaller figures may follow a magnitude.
MAGNITUDE = (
    rf"(?: ?(?:[余多几]?(?:[十万亿]|百(?!分[点之])|{_THOUSAND})++(?:[余多][万亿]++)?|兆(?=元))"
    r"(?:[0-9]++(?:\.[0-9]++)?[十百千万]++|(?<=万)[0-9]{4}(?![0-9.,年 ])|(?<=[百千万])[0-9](?=[元块人户亩斤吨]))?)?+"
)
# 数 and 几 count only as digits of something larger; 人数百人 is 人数 and 百人. Within a numeral 两 is a digit of what
# follows it (三千两百); else it is the unit (三千两).
CHINESE = (
    rf"(?<![{_CHARACTERS}两几0-9])(?:(?<![人户总件次指函系参票岁])数(?=[十百千万亿])|几(?=[十百千万亿])|[{_CHARACTERS}两])"
    rf"(?:[{_CHARACTERS.replace('千', '')}几]|{_THOUSAND}|两(?=[百千万亿])"
    r"|(?<=一)两(?=[个天年人次家种户吨亩公米斤元块小分句层名位岁周件条]))*+"
    rf"(?:点[〇零{_DIGIT}]++(?:[十百万亿]|{_THOUSAND})*+)?+(?:[余多来][万亿]++)?+"
)
# 六、七十万: two neighbours; after a stop 三、 counts paragraphs.
_NEIGHBOURS = (
    "二两三",
    "三四",
    "三五",
    "四五",
    "五六",
    "六七",
    "七八",
    "八九",
    "23",
    "34",
    "45",
    "56",
    "67",
    "78",
    "89",
)
_EITHER = "|".join(f"[{pair[:-1]}]、(?={pair[-1]})" for pair in _NEIGHBOURS)
_EITHER = rf"(?:(?<=[^\\s。；;：:，,、第0-9{_DIGIT}])(?:{_EITHER}))?"
FIGURES = rf"{_EITHER}{ARABIC}{MAGNITUDE}"
NUMERAL = rf"(?:(?<![{_CHARACTERS}两0-9])[十百千万个]把|{_EITHER}{CHINESE})"
NUMBER = rf"(?:{FIGURES}|{NUMERAL})(?: ?[余多来几])?"
DASH = r"(?: ?(?:[-—–~]{1,2}|至|到) ?)"


def measure_pattern(words: str, *, chinese: bool = False) -> str:
    """Return the alternation of measure words, longest first, each with what must not follow it.

    Args:
        words: the measure words, separated by spaces.
        chinese: whether a Chinese numeral goes before: fewer words measure then, and more words undo them.
    """
    guards = NOT_BEFORE if chinese else NOT_BEFORE_AFTER_FIGURES
    return alternation((word for word in words.split() if not (chinese and word in ARABIC_ONLY)), guards)


def alternation(words: Iterable[str], guards: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the alternation of words, the longest of those that begin alike first, each with what must not follow it.

    A branch for each first character, for a long row of single words is slow to fail.
    """
    ordered = sorted(set(words), key=lambda word: (word[0], -len(word), word))
    return "|".join(
        f"{re.escape(first)}(?:{'|'.join(_rest(word, guards) for word in same)})"
        for first, same in groupby(ordered, key=lambda word: word[0])
    )


def _rest(word: str, guards: Mapping[str, str]) -> str:
    return re.escape(word[1:]) + (f"(?!{guards[word]})" if word in guards else "")


@cache
def kind_of(measure: str) -> Kind | None:
    """Return the kind of a measure word; 大 before it and a unit after a slash do not matter."""
    head = re.split("[/（(]", measure.removeprefix("大"), maxsplit=1)[0].strip()
    return _KINDS.get(head) or ("unit" if re.fullmatch(ASCII_UNIT, head) else None)


def fold_text(text: str) -> str:
    """Return the text with full-width, traditional and capital forms as the patterns here read them, of the same length.

    Capital numerals (壹万贰仟) are folded only where a measure word follows them: 陆 and 伍 are mostly other words.
    """
    if not _FOLDED.search(text):
        return text
    return _CAPITALS.sub(_plain, text.translate(_FOLD))


def _plain(found: re.Match[str]) -> str:
    run, measure = found.groups()
    # 大陆几亿人, 队伍三人
    certain = sum(sign in _CAPITAL for sign in run) > 1 or run[0] not in "伍陆陸柒捌"
    return run.translate(_PLAIN) if certain or (measure == "元" and not run[1:].strip("万亿")) else run


_KINDS: dict[str, Kind] = {
    word: kind for kind in ("classifier", "unit", "money", "time", "ratio") for word in MEASURES[kind].split()
}
_TRADITIONAL = (
    "萬万億亿兩两個个箇个戶户畝亩噸吨餘余幾几數数歲岁隻只條条輛辆棟栋項项種种張张雙双層层樓楼場场間间處处臺台檯台圓圆塊块顆颗盤盘籠笼籃篮"
    "盞盏頂顶輪轮對对隊队組组團团門门羣群頁页冊册級级類类樣样樁桩筆笔艙舱頭头畫画鍋锅罈坛鐘钟鍾钟時时週周點点釐厘裡里裏里頃顷錢钱幣币歐欧韓韩"
    "盧卢鎊镑擔担來来絲丝聲声劑剂貼贴檔档齣出縷缕線线針针葉叶壟垄碼码環环節节槍枪捆捆疊叠車车員员過过達达約约長长寬宽學学課课書书會会議议國国"
    "體体幾几號号後后餐餐從从業业術术責责標标準准傳传飛飞機机場场連连進进際际電电視视現现實实買买賣卖爾尔關关開开遠远運运選选極极樂乐觀观萬万"
    "師师帶带庭庭屬属將将專专導导歷历曆历於于與与發发僅仅僑侨價价僱雇產产華华單单權权總总農农辦办協协劃划勵励動动務务區区參参變变響响員员圖图"
)
_RADICALS = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
_FOLD = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "，。；：！？（）"}
    # GB/T 15835 parts thousands by a quarter space, which texts write as any of these.
    | dict(zip("○￥−∼〜╱µ\u00a0\u2009\u202f\u3000", "〇¥-~~/μ    ", strict=True))
    | _RADICALS
    | dict(zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True))
)
_PLAIN = str.maketrans("壹贰貳弍叁叄肆伍陆陸柒捌玖拾佰仟", "一二二二三三四五六六七八九十百千")
_FOLDED = re.compile(f"[{re.escape(''.join(map(chr, _FOLD)))}{''.join(map(chr, _PLAIN))}]")
_CAPITAL = "".join(map(chr, _PLAIN))
_CAPITALS = re.compile(
    rf"(?<![收{_CAPITAL}零〇万亿几余多])([{_CAPITAL}][{_CAPITAL}零〇万亿几余多]*+)(?=([元圆角分人户名亩吨斤]))"
)
