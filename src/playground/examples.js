/** @typedef {{ title: string, question: string, code: string }} Example */

/** Programs over the demo's tools. @type {readonly Example[]} */
export const examples = [
  {
    title: "Best customers of a region",
    question: "Which five customers in the north spent most since July, and what did they buy last?",
    code: `// Orders come in pages and without their lines: the program loops and joins.
const customers = await allPages((page) => shop.list_customers({ region: "north", page }));
const ids = new Set(customers.map((customer) => customer.id));
const orders = (await allPages((page) => shop.list_orders({ from: "2026-07-01", page })))
  .filter((order) => ids.has(order.customer_id))
  .filter((order) => order.status !== "cancelled" && order.status !== "returned");
console.log(orders.length, "orders of", customers.length, "customers");

const details = await Promise.all(orders.map((order) => shop.get_order({ id: order.id })));
const products = await allPages((page) => shop.list_products({ page }));
const nameOf = new Map(products.map((product) => [product.id, product.name]));

return customers
  .map((customer) => {
    const own = details.filter((order) => order.customer_id === customer.id);
    const cents = own.flatMap((order) => order.lines)
      .reduce((sum, line) => sum + line.quantity * line.unit_price_cents, 0);
    const last = own.at(-1)?.lines.map((line) => nameOf.get(line.product_id)) ?? [];
    return { customer: customer.name, euros: cents / 100, last };
  })
  .sort((a, b) => b.euros - a.euros)
  .slice(0, 5);

async function allPages(load) {
  const first = await load(1);
  const numbers = Array.from({ length: Math.max(0, first.pages - 1) }, (_, index) => index + 2);
  const others = await Promise.all(numbers.map(load));
  return [first, ...others].flatMap((page) => page.items);
}
`,
  },
  {
    title: "What to reorder today",
    question: "Which products are short, who delivers them, and when would they arrive?",
    code: `// Two servers in one program: the supplier list is a document, the stock is in the shop.
const file = await filesystem.read_text_file({ path: "suppliers.csv" });
const suppliers = new Map(
  file.content.trim().split("\\n").slice(1).map((row) => {
    const [supplier, category, days, minimum] = row.split(",");
    return [category, { supplier, days: Number(days), minimum: Number(minimum) }];
  }),
);

const products = [];
for (let page = 1, pages = 1; page <= pages; page++) {
  const list = await shop.list_products({ page });
  pages = list.pages;
  products.push(...list.items);
}

const stock = await Promise.all(products.map((product) => shop.get_stock({ product_id: product.id })));
return products
  .map((product, index) => ({ product, stock: stock[index], from: suppliers.get(product.category) }))
  .filter(({ stock }) => stock.quantity <= stock.reorder_level)
  .map(({ product, stock, from }) => ({
    product: product.name,
    left: stock.quantity,
    order: Math.max(from.minimum, stock.reorder_level * 2),
    from: from.supplier,
    arrives: new Date(Date.parse("2026-09-30") + from.days * 86_400_000).toISOString().slice(0, 10),
  }));
`,
  },
  {
    title: "A call that needs a person",
    question: "Order two head lamps for C001. Writing is not automatic, so the run waits.",
    code: `const lamps = (await shop.list_products({ category: "lighting" })).items
  .filter((product) => product.name.includes("Head Lamp"));
const stock = await Promise.all(lamps.map((lamp) => shop.get_stock({ product_id: lamp.id })));
const plenty = lamps.find((_, index) => stock[index].quantity >= 2);
if (!plenty) return "There are not enough head lamps.";

return await shop.place_order({ customer_id: "C001", product_id: plenty.id, quantity: 2 });
`,
  },
];
