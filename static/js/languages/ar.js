// @ts-check
/** Arabic. */

import { formats, isolated } from "./formats.js";

const { number, measure, plural, dollars, size, moment, momentAtLength } = formats("ar");
/** @param {number} ms */
const time = (ms) => (ms < 950 ? `${number(ms)} م.ث` : `${measure(ms / 1000)} ث`);

/** @param {number} s */
const wait = (s) => {
  if (s < 100) return `${number(s)} ث`;
  return s < 6000 ? `${number(Math.ceil(s / 60))} د` : `${number(Math.ceil(s / 3600))} س`;
};

/** @type {import("./en.js").Texts} */
export const texts = {
  page: {
    tagline: "اسأل، ولن تضيع الإجابة.",
    promise:
      "تُكتب الإجابة على الخادم لا في هذه النافذة. أعد التحميل، أو بدّل الشبكة، أو أغلق الجهاز: يتابع النص من حيث توقّف.",
    newChat: "محادثة جديدة",
    model: "النموذج",
    ask: "اسأل Claude",
    message: "الرسالة",
    placeholder: "اسأل عمّا تشاء",
    hint: "Enter للإرسال، وShift + Enter لسطر جديد",
    conversation: "المحادثة",
    latest: "الانتقال إلى الأحدث",
    demoTitle: "عرض تجريبي",
    demo: "الإجابات مصطنعة. اضبط ANTHROPIC_API_KEY لتتحدث إلى Claude.",
    examples: "أمثلة",
    attach: "إرفاق ملفات",
    attachments: "الملفات المرفقة",
    settings: "الإعدادات",
    dropHere: "أفلت الملفات لإرفاقها",
    close: "إغلاق",
    answers: "الإجابات",
    effort: "الجهد",
    thinking: "التفكير",
    maxTokens: "أطول إجابة، بالرموز",
    system: "تعليمات النظام",
    systemHint: "ما يُقال لـClaude قبل كل شيء.",
    forNew: "تسري تعليمات النظام والأدوات على المحادثات التي تبدأ من الآن.",
    tools: "الأدوات",
    noTools: "لا أدوات في هذه البوابة.",
    thisPage: "هذه الصفحة",
    language: "اللغة",
    appearance: "المظهر",
    typing: "ظهور النص",
    singleKeys: "اختصارات المفتاح الواحد",
    reset: "إعادة الضبط",
    shortcuts: "اختصارات لوحة المفاتيح",
    signOut: "تسجيل الخروج",
    signIn: "تسجيل الدخول",
    token: "رمز الدخول",
    notNow: "ليس الآن",
    kept: "ما كتبته يبقى في مكانه.",
    conversations: "المحادثات",
    search: "ابحث في المحادثات",
    noConversations: "ما تسأله يُحفظ هنا، على هذا الجهاز.",
    earlier: "رسائل أقدم",
    showAll: "إظهار الكل",
    importFile: "استيراد",
    exportAll: "تصدير الكل",
    undo: "تراجع",
    pinnedMark: "مثبّتة",
    writingMark: "تُكتب إجابة",
    title: "العنوان",
    editPrompt: "سؤالك بصياغة أخرى",
    cancel: "إلغاء",
    askAgain: "اسأل",
    edit: "تعديل",
    copyPrompt: "نسخ السؤال",
    again: "أجب مجددًا",
  },

  examples: [
    { kind: "اشرح", prompt: "كيف يعرف بروتوكول TCP أن الطرف الآخر قد اختفى؟" },
    { kind: "قارن", prompt: "جدول يقارن SSE وWebSockets والاستقصاء الطويل: متى يُستخدم كل منها؟" },
    { kind: "اكتب", prompt: "ذاكرة LRU صغيرة بلغة Python مع اختباراتها" },
  ],
  exampleOfClaude: { kind: "فكّر", prompt: "لماذا تكون السماء مظلمة ليلًا ما دامت النجوم في كل مكان؟" },
  exampleOfDemo: {
    kind: "اكسر الاتصال",
    prompt: "اقطع الاتصال بـClaude في منتصف الطريق وشاهد الإجابة تتابع",
    sent: "[[reset after=60 in=text]] كيف تجد الأنهار طريقها إلى البحر؟",
  },

  untitled: "بلا عنوان",
  nothingFound: "لا نتائج",
  found: (n) =>
    plural(n, {
      zero: "لم يُعثر على محادثات",
      one: "عُثر على محادثة واحدة",
      two: "عُثر على محادثتين",
      few: "عُثر على # محادثات",
      many: "عُثر على # محادثة",
      other: "عُثر على # محادثة",
    }),
  period: {
    pinned: "مثبّتة",
    today: "اليوم",
    yesterday: "أمس",
    week: "آخر سبعة أيام",
    month: "آخر ثلاثين يومًا",
    older: "أقدم",
  },
  windowTitle: (title) => `${title} · claude-gateway`,
  actionsFor: (title) => `إجراءات «${title}»`,
  rename: "إعادة التسمية",
  pin: "تثبيت",
  unpin: "إلغاء التثبيت",
  exportMarkdown: "تصدير بصيغة Markdown",
  exportJson: "تصدير بصيغة JSON",
  delete: "حذف",
  deleted: (title) => `حُذفت «${title}»`,
  restored: "استُعيدت المحادثة",
  sidebar: { open: "إظهار المحادثات", close: "إخفاء المحادثات" },
  allConversations: "المحادثات",
  exported: {
    you: "أنت",
    claude: (model) => (model ? `Claude ‏(${isolated(model)})` : "كلود"),
    attachment: "مرفق",
    sources: "المصادر:",
  },
  imports: {
    done: (n) =>
      plural(n, {
        zero: "لم تُستورد محادثات",
        one: "استُوردت محادثة واحدة",
        two: "استُوردت محادثتان",
        few: "استُوردت # محادثات",
        many: "استُوردت # محادثة",
        other: "استُوردت # محادثة",
      }),
    tooLarge: (bytes) => `هذا الملف كبير جدًا: الحد الأقصى ${size(bytes)}.`,
    foreign: "ليس هذا ملفَّ محادثات مصدَّرة.",
    malformed: (place) => `لم يُستورد شيء: الملف تالف عند ${place}.`,
    unreadable: "تتعذّر قراءة هذا الملف.",
    notStored: "تعذّر حفظ الملف: لم يبق متّسع على هذا الجهاز.",
  },
  trouble: {
    full: "لم يبق متّسع على هذا الجهاز: ما يُقال من الآن يضيع عند مغادرة الصفحة. صدّر بعض المحادثات أو احذفها.",
    broken: "لا يستطيع المتصفح حفظ المحادثات الآن: ما يُقال من الآن يضيع عند مغادرة الصفحة.",
    offline: "أنت غير متصل بالشبكة. ما تسأله ينتظر هنا حتى تعود.",
    unreachable: "لا يمكن الوصول إلى البوابة الآن. ما كتبته ما زال هنا.",
    memory: "هذا المتصفح لا يحفظ شيئًا: تبقى المحادثات حتى تغادر الصفحة.",
    lost: "حُذف ما كان محفوظًا أو فتحته صفحة أحدث. أعد التحميل للمتابعة.",
  },

  again: "أجب مجددًا",
  againWith: (model) => `باستخدام ${model}`,
  branches: (at, all) => `${number(at)} من ${number(all)}`,
  promptBranch: { previous: "الصياغة السابقة", next: "الصياغة التالية" },
  answerBranch: { previous: "الإجابة السابقة", next: "الإجابة التالية" },

  showLess: "عرض أقل",
  at: (when) => moment(when),
  atLength: (when) => momentAtLength(when),

  send: "إرسال",
  stop: "إيقاف",
  stopping: "جارٍ الإيقاف…",
  you: "أنت",
  answerBy: (model) => (model ? `المساعد، ${isolated(model)}` : "المساعد"),
  gatewaysModel: "نموذج البوابة",

  state: {
    connecting: "بانتظار Claude",
    queued: "ينتظر انتهاء إجابة أخرى: لم يبقَ لهذا المتصفح اتصال متاح",
    streaming: "بانتظار Claude",
    reconnecting: "انقطع الاتصال، وتجري المتابعة من حيث توقّف",
    offline: "أنت غير متصل بالشبكة؛ ستتابع الإجابة عند عودتها",
    stopping: "جارٍ الإيقاف",
  },
  status: {
    thinking: "Claude يفكّر",
    answering: "بدأت الإجابة",
    complete: (words) =>
      `اكتملت الإجابة، ${plural(words, {
        zero: "دون كلمات",
        one: "كلمة واحدة",
        two: "كلمتان",
        few: "# كلمات",
        many: "# كلمة",
        other: "# كلمة",
      })}`,
    stopped: "توقّفت",
  },

  signIn: {
    why: "تريد هذه البوابة أن تعرف من يسأل. تحصل على رمز الدخول ممّن يديرها.",
    whyJwt:
      "تريد هذه البوابة أن تعرف من يسأل. سجّل الدخول حيث أخبرك مديرها ثم أعد تحميل هذه الصفحة، أو ألصق الرمز (JWT) الذي حصلت عليه هناك.",
    ended: "انتهت جلستك. سجّل الدخول ويستمر كل شيء من حيث كان.",
    wrong: "هذا الرمز غير معروف هنا. ربما أُلغي، أو نقص جزء منه.",
    wrongJwt: "هذا الرمز غير صالح هنا. ربما انتهت مدته، أو هو مخصص لغير هذه البوابة، أو نقص جزء منه.",
    tooOften: (s) => `محاولات كثيرة جدًا. حاول مجددًا بعد ${wait(s)}.`,
    as: (name) => `مسجّل الدخول باسم ${isolated(name)}`,
  },

  shortcuts: {
    send: "إرسال",
    newLine: "سطر جديد",
    stop: "إيقاف الإجابة",
    message: "إلى خانة الكتابة",
    newChat: "محادثة جديدة",
    search: "البحث في المحادثات",
    sidebar: "إظهار المحادثات أو إخفاؤها",
    editLast: "تعديل السؤال الأخير (والحقل فارغ)",
    settings: "الإعدادات",
    sheet: "هذه القائمة",
  },

  attach: {
    kinds: { image: "صورة", pdf: "ملف PDF", text: "نص" },
    size: (bytes) => size(bytes),
    remove: (name) => `إزالة ${isolated(name)}`,
    reading: "ما زال ملف قيد القراءة.",
    waits: "ينتظر البوابة",
    notYet: "لا يمكن الوصول إلى البوابة الآن. ما أرفقته ينتظر هنا حتى تعود.",
    wrongType: (name) => `${isolated(name)} ليس صورة ولا PDF ولا نصًّا، ولا يقرأ Claude سواها.`,
    tooLarge: (name, most) => `${isolated(name)} أكبر مما يجب: الحد الأقصى ${size(most)}.`,
    empty: (name) => `${isolated(name)} فارغ.`,
    broken: (name) => `تعذّرت قراءة ${isolated(name)}؛ قد يكون تالفًا.`,
    tooMany: (most) =>
      plural(most, {
        one: "لا تتسع الرسالة إلا لصورة واحدة.",
        two: "لا تتسع الرسالة إلا لصورتين.",
        few: "لا تتسع الرسالة لأكثر من # صور.",
        many: "لا تتسع الرسالة لأكثر من # صورة.",
        other: "لا تتسع الرسالة لأكثر من # صورة.",
      }),
    tooMuch: (most) => `يجب ألّا تزيد الملفات مجتمعةً على ${size(most)}.`,
  },

  cannot: {
    images: "لا يقبل الصور",
    pdfs: "لا يقبل ملفات PDF",
    effort: "ليست له درجات جهد",
    thisEffort: "ليست له هذه الدرجة",
    thinking: "لا يفكّر",
    notThinking: "يفكّر دائمًا",
    notThinkingHard: "يفكّر فوق الجهد العالي",
  },
  unable: (choice, reason) => `${choice} (${reason})`,
  objection: (model, reason) => `${isolated(model)} ${reason}. اختر نموذجًا آخر أو أزل الملف.`,

  tokens: (tokens) =>
    plural(tokens, {
      zero: "لا رموز",
      one: "رمز واحد",
      two: "رمزان",
      few: "# رموز",
      many: "# رمزًا",
      other: "# رمز",
    }),
  tokensOf: (tokens, most) => `${number(tokens)} من ${number(most)} رمز يتسع لها هذا النموذج، والمحادثة محسوبة`,

  settingsChanged: "الإعدادات، معدّلة",
  modelsOwn: "كما يرى النموذج",
  efforts: { low: "منخفض", medium: "متوسط", high: "عالٍ", xhigh: "عالٍ جدًا", max: "الأقصى" },
  thinkings: { shown: "ظاهر", hidden: "غير ظاهر", off: "متوقف" },
  appearances: { system: "كالنظام", light: "فاتح", dark: "داكن" },
  paces: { smooth: "بسلاسة", instant: "فور وصوله" },
  keys: { on: "مفعّلة", off: "معطّلة" },
  maxTokensHint: (usual, most) => `عادةً ${number(usual)}، وأقصاه ${number(most)}.`,

  thinking: "يفكّر",
  thought: (ms) => `فكّر لمدة ${time(ms)}`,
  thoughtAgain: (ms) => `فكّر من جديد لمدة ${time(ms)} ليتابع بعد الانقطاع`,
  thinkingFor: (s) => `يفكّر منذ ${number(s)} ث`,
  thoughtBroken: "تفكير انقطع",
  thoughtHidden: "احتفظ Claude بهذا التفكير لنفسه.",

  blocks: {
    web_search: "بحث في الويب",
    web_fetch: "صفحة ويب",
    code_execution: "برنامج",
    bash_code_execution: "سطر الأوامر",
    text_editor_code_execution: "محرر الملفات",
    tool_search_tool_regex: "بحث عن أدوات",
    tool_search_tool_bm25: "بحث عن الأدوات",
    compaction: "ملخّص ما سبق من المحادثة",
    fallback: "تولّى نموذج آخر الإجابة",
    mcp_tool_listing: "أدوات أحد الخوادم",
  },

  tool: {
    running: "قيد التشغيل",
    done: "تمّ",
    failed: "أخفق",
    writing: "قيد الكتابة",
    input: "المُدخلات",
    result: "النتيجة",
    returned: (code) => `انتهى بالرمز ${number(code)}`,
  },

  copy: "نسخ",
  copied: "نُسخ",
  wrap: "لفّ الأسطر",
  /** @param {string} label */
  footnote: (label) => `الحاشية ${label}`,
  /** @param {string} label */
  footnoteBack: (label) => `العودة إلى موضع الحاشية ${label}`,
  table: "جدول",
  taskDone: "مُنجَز",
  taskOpen: "غير مُنجَز",
  image: "صورة",

  seam: "انقطع الاتصال بـClaude هنا؛ وما يلي طُلب من جديد.",
  retry: (reason, attempt) =>
    `لم يستطع Claude المتابعة (${isolated(reason.replaceAll("_", " "))})؛ طُلب منه مجددًا، المحاولة ${number(attempt)}`,

  stopReason: {
    max_tokens: "توقّف عند الحد الأقصى للطول.",
    refusal: "امتنع Claude عن الإجابة.",
    cancelled: "أُوقفت.",
    abandoned: "لم يعد أحد يقرأ، فأُوقفت.",
    pause_turn: "توقّف Claude هنا مؤقتًا.",
    tool_use: "استدعى Claude أداة لا تعمل هنا، وينتظر نتيجتها.",
    model_context_window_exceeded: "امتلأ سياق النموذج بهذه المحادثة.",
  },
  stoppedFor: (reason) => `توقّف: ${isolated(reason.replaceAll("_", " "))}.`,
  stopHint: {
    refusal: "اسأل بصيغة أخرى أو اختر نموذجًا آخر. ولا تعتمد على ما كُتب قبل هذا الموضع.",
    model_context_window_exceeded: "ابدأ محادثة جديدة، أو اسأل نموذجًا يتسع لأكثر.",
  },
  refusedFor: {
    cyber: "الهجوم على الحواسيب",
    bio: "أخطار على الحياة",
    frontier_llm: "بناء نماذج لغوية كبيرة",
    reasoning_extraction: "استخراج التفكير",
    general_harms: "إيذاء الناس",
  },

  fault: {
    network_error: ["تعذّر الوصول إلى البوابة", "إما أنها متوقفة أو أن شيئًا في الطريق إليها كذلك. لم يضع شيء مما كتبت."],
    interrupted: [
      "انقطعت الإجابة",
      "لم تعد البوابة تعرف هذه الإجابة: أُعيد تشغيلها أو مضى وقت طويل. ما وصل منها محفوظ.",
    ],
    invalid_request_error: ["لا يمكن طرح هذا السؤال", "في الطلب نفسه ما لا يُقبل."],
    authentication_error: ["لم تسجّل الدخول", "تريد هذه البوابة أن تعرف من يسأل."],
    signed_out_elsewhere: [
      "لقد سُجّل خروجك",
      "تسجيل الدخول يتم عند ما يقف أمام هذه البوابة. سجّل هناك ثم أعد تحميل الصفحة؛ مسودتك محفوظة.",
    ],
    no_models: ["لا يوجد نموذج تسأله", "هذا شأن من يدير البوابة: يسمّي النماذج في GATEWAY_MODELS."],
    permission_error: ["غير مسموح", "لا تقبل هذه البوابة طلبات كهذه."],
    not_found_error: ["غير موجود", "ما طُلب لا وجود له هنا."],
    request_too_large: ["أكبر مما يجب", "تجاوزت المحادثة ما تقبله البوابة."],
    rate_limit_error: ["طلبات كثيرة جدًا", "بلغت حدًّا مقررًا، وسيزول من تلقاء نفسه."],
    overloaded_error: ["Claude مثقل بالطلبات", "ليس الخطأ منك، ولا عيب في طلبك. يزول هذا عادة بعد قليل."],
    timeout_error: ["تأخّر Claude كثيرًا", "ليس الخطأ منك. كثيرًا ما يفيد السؤال مجددًا."],
    api_error: ["تعطّل شيء في الطريق", "ليس الخطأ منك: وقع في البوابة أو عند Claude."],
  },
  goOn: "متابعة",
  goOnPrompt: "تابع تمامًا من حيث توقّفت.",
  copyAnswer: "نسخ الإجابة",
  verified: "سليمة",
  verifiedWhy: "بصمة ما وصل تطابق ما أرسلته البوابة",
  damaged: "ما وصل يختلف عمّا أرسلته البوابة.",
  citation: (n) => `المصدر ${number(n)}`,
  pages: (from, to) => (to > from ? `الصفحات ${number(from)}–${number(to)}` : `الصفحة ${number(from)}`),
  tryAgain: "حاول مجددًا",
  tryAgainIn: (s) => `حاول مجددًا بعد ${wait(s)}`,
  requestId: (id) => `الطلب ${isolated(id)}`,

  meta: {
    ttft: (ms) => `${time(ms)} حتى أول رمز`,
    rate: (rate) => `${measure(rate)} رمز/ث`,
    input: (n) => `${number(n)} داخل`,
    output: (n) => `${number(n)} خارج`,
    cached: (n) => `${number(n)} من الذاكرة`,
    cost: (usd) => dollars(usd),
  },
};
