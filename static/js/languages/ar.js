// @ts-check
/** Arabic. */

import { formats } from "./formats.js";

const { number, measure, plural, dollars } = formats("ar");
/** @param {number} ms */
const seconds = (ms) => `${measure(ms / 1000)} ث`;

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
    sent: "[[reset after=60]] Tell me how rivers find their way to the sea.",
  },

  send: "إرسال",
  stop: "إيقاف",
  stopping: "جارٍ الإيقاف…",
  you: "أنت",
  answerBy: (model) => (model ? `المساعد، ${model}` : "المساعد"),
  noModels: "لا توجد نماذج",

  state: {
    connecting: "بانتظار Claude",
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

  thinking: "يفكّر",
  thought: (ms) => `فكّر لمدة ${seconds(ms)}`,
  thoughtAgain: (ms) => `فكّر من جديد لمدة ${seconds(ms)} ليتابع بعد الانقطاع`,
  thoughtHidden: "احتفظ Claude بهذا التفكير لنفسه.",

  tool: {
    running: "قيد التشغيل",
    done: "تمّ",
    failed: "أخفق",
    writing: "قيد الكتابة",
    input: "المُدخلات",
    result: "النتيجة",
  },

  copy: "نسخ",
  copied: "نُسخ",
  table: "جدول",
  taskDone: "مُنجَز",
  taskOpen: "غير مُنجَز",
  image: "صورة",

  seam: "انقطع الاتصال بـClaude هنا؛ وما يلي طُلب من جديد.",
  retry: (reason, attempt) =>
    `لم يستطع Claude المتابعة (${reason.replaceAll("_", " ")})؛ طُلب منه مجددًا، المحاولة ${number(attempt)}`,

  stopReason: {
    max_tokens: "توقّف عند الحد الأقصى للطول.",
    refusal: "امتنع Claude عن الإجابة.",
    cancelled: "أُوقفت.",
    abandoned: "لم يعد أحد يقرأ، فأُوقفت.",
    pause_turn: "توقّف Claude هنا مؤقتًا.",
    model_context_window_exceeded: "امتلأ سياق النموذج بهذه المحادثة.",
  },

  fault: {
    network_error: ["تعذّر الوصول إلى البوابة", "إما أنها متوقفة أو أن شيئًا في الطريق إليها كذلك. لم يضع شيء مما كتبت."],
    interrupted: [
      "انقطعت الإجابة",
      "لم تعد البوابة تعرف هذه الإجابة: أُعيد تشغيلها أو مضى وقت طويل. ما وصل منها محفوظ.",
    ],
    invalid_request_error: ["لا يمكن طرح هذا السؤال", "في الطلب نفسه ما لا يُقبل."],
    authentication_error: ["لم تسجّل الدخول", "تريد هذه البوابة أن تعرف من يسأل."],
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
  tryAgain: "حاول مجددًا",
  tryAgainIn: (s) => `حاول مجددًا بعد ${number(s)} ث`,
  requestId: (id) => `الطلب ${id}`,

  meta: {
    ttft: (ms) => `${ms < 950 ? `${number(ms)} م.ث` : seconds(ms)} حتى أول رمز`,
    rate: (rate) => `${measure(rate)} رمز/ث`,
    input: (n) => `${number(n)} داخل`,
    output: (n) => `${number(n)} خارج`,
    cached: (n) => `${number(n)} من الذاكرة`,
    cost: (usd) => dollars(usd),
  },
};
