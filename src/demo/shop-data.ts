/**
 * The rows of the demo shop, an outdoor outfitter: customers, products with stock, and nine months of orders.
 * Everything comes from one seed, dates included, so a question has the same answer on every start.
 */

export const regions = ["north", "east", "south", "west"] as const;
export const segments = ["private", "club", "business"] as const;
export const categories = ["tents", "packs", "sleeping", "cooking", "lighting", "clothing"] as const;
export const orderStatuses = ["open", "shipped", "delivered", "returned", "cancelled"] as const;

type Region = (typeof regions)[number];
type Segment = (typeof segments)[number];
type Category = (typeof categories)[number];
type OrderStatus = (typeof orderStatuses)[number];

interface Customer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly region: Region;
  readonly segment: Segment;
  /** ISO date from which on orders could be placed. */
  readonly since: string;
}

interface Product {
  readonly id: string;
  readonly name: string;
  readonly category: Category;
  readonly price_cents: number;
}

interface Stock {
  readonly product_id: string;
  quantity: number;
  /** At or below this many pieces the product should be ordered from its supplier. */
  readonly reorder_level: number;
}

interface OrderLine {
  readonly product_id: string;
  readonly quantity: number;
  /** Price of one piece on the day of the order. */
  readonly unit_price_cents: number;
}

export interface Order {
  readonly id: string;
  readonly customer_id: string;
  /** ISO date. */
  readonly date: string;
  readonly status: OrderStatus;
  readonly lines: readonly OrderLine[];
}

export interface ShopData {
  /** The shop's calendar does not advance: new orders get this date. */
  readonly today: string;
  readonly customers: readonly Customer[];
  readonly products: readonly Product[];
  readonly stock: ReadonlyMap<string, Stock>;
  /** Oldest first; the only list that grows. */
  readonly orders: Order[];
}

const FIRST_DAY = "2026-01-01";
const TODAY = "2026-09-30";
const CUSTOMERS = 120;
const ORDERS = 600;
const DAY_MS = 86_400_000;

export function createShopData(seed: number): ShopData {
  const random = createRandom(seed);
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => makeCustomer(random, index));
  const products = makeProducts();
  const stock = new Map(products.map((product) => [product.id, makeStock(random, product.id)]));
  return { today: TODAY, customers, products, stock, orders: makeOrders(random, customers, products) };
}

interface Random {
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  /** True in `share` of all cases, 0–1. */
  chance(share: number): boolean;
}

/** A Weyl sequence, each step mixed until neighbouring rows look unrelated. Not for secrets. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b5);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    between,
    pick: (items) => items[between(0, items.length - 1)] as (typeof items)[number],
    chance: (share) => next() < share,
  };
}

const givenNames =
  "Ada Ben Chiara Dmitri Elif Farid Greta Hugo Ines Jonas Kaya Leon Mira Noor Oskar Paula Quentin Rosa Samir Tove".split(
    " ",
  );
const familyNames =
  "Almeida Berg Castell Duarte Ekberg Fontaine Gruber Haddad Ivarsen Jansen Kowalski Lindqvist Moreau Novak Okafor Petrov Rossi Silva Toivonen Weber".split(
    " ",
  );

function makeCustomer(random: Random, index: number): Customer {
  const given = random.pick(givenNames);
  const family = random.pick(familyNames);
  const id = numbered("C", index + 1, 3);
  return {
    id,
    name: `${given} ${family}`,
    email: `${given}.${family}.${index + 1}@example.com`.toLowerCase(),
    region: random.pick(regions),
    segment: random.pick(["private", "private", "private", "club", "business"]),
    since: addDays("2024-01-01", random.between(0, 730)),
  };
}

/** Five things a category with their price in whole euros; each comes in two lines, the dearer one for half as much again. */
const assortment: { readonly [C in Category]: { readonly [name: string]: number } } = {
  tents: { "Solo Tent": 149, "Duo Tent": 219, "Family Tent": 389, Tarp: 69, "Bivouac Sack": 89 },
  packs: { "Day Pack": 59, "Trekking Pack": 169, "Dry Bag": 24, "Hip Pack": 29, Duffel: 79 },
  sleeping: { "Summer Bag": 99, "Winter Bag": 259, "Foam Mat": 25, "Air Mat": 109, Pillow: 19 },
  cooking: { "Gas Stove": 49, "Pot Set": 45, Kettle: 22, "Water Filter": 39, Cutlery: 12 },
  lighting: { "Head Lamp": 35, Lantern: 42, "Bike Light": 28, Torch: 31, "Light Chain": 18 },
  clothing: { "Rain Jacket": 179, Fleece: 85, "Trekking Trousers": 95, "Wool Socks": 16, Cap: 21 },
};

const productLines = [
  { name: "Fjell", factor: 1 },
  { name: "Prima", factor: 1.5 },
] as const;

function makeProducts(): readonly Product[] {
  return categories
    .flatMap((category) =>
      productLines.flatMap((line) =>
        Object.entries(assortment[category]).map(([thing, euros]) => ({
          name: `${line.name} ${thing}`,
          category,
          price_cents: Math.round(euros * line.factor) * 100,
        })),
      ),
    )
    .map((product, index) => ({ id: numbered("P", index + 1, 2), ...product }));
}

function makeStock(random: Random, product_id: string): Stock {
  const reorder_level = random.between(4, 20);
  const quantity = random.chance(0.2) ? random.between(0, reorder_level) : random.between(reorder_level, 140);
  return { product_id, quantity, reorder_level };
}

function makeOrders(random: Random, customers: readonly Customer[], products: readonly Product[]): Order[] {
  const days = daysBetween(FIRST_DAY, TODAY);
  const dates = Array.from({ length: ORDERS }, () => addDays(FIRST_DAY, random.between(0, days))).sort();
  return dates.map((date, index) => ({
    id: numbered("O", index + 1, 4),
    customer_id: random.pick(customers).id,
    date,
    status: makeStatus(random, daysBetween(date, TODAY)),
    lines: makeLines(random, products),
  }));
}

function makeStatus(random: Random, ageDays: number): OrderStatus {
  if (random.chance(0.04)) return "cancelled";
  if (ageDays <= 5) return "open";
  if (ageDays <= 14) return random.chance(0.6) ? "shipped" : "delivered";
  return random.chance(0.08) ? "returned" : "delivered";
}

function makeLines(random: Random, products: readonly Product[]): readonly OrderLine[] {
  const lines = new Map<string, OrderLine>();
  for (let wanted = random.between(1, 4); wanted > 0; wanted--) {
    const product = random.pick(products);
    lines.set(product.id, {
      product_id: product.id,
      quantity: random.chance(0.7) ? 1 : random.between(2, 6),
      unit_price_cents: product.price_cents,
    });
  }
  return [...lines.values()];
}

/** `numbered("C", 7, 3)` is `C007`. */
export function numbered(prefix: string, number: number, digits: number): string {
  return prefix + String(number).padStart(digits, "0");
}

function addDays(isoDate: string, days: number): string {
  return new Date(Date.parse(isoDate) + days * DAY_MS).toISOString().slice(0, 10);
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}
