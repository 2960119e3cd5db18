"""Names that tell a scope from its neighbours."""

import pytest

from applier.text.definitions import header_name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("    def read(self):", "read"),
        ("    def self.read(path)", "read"),
        ("class Reader(Base):", "Reader"),
        ("pub async fn read<T>(path: T) -> Result<()> {", "read"),
        ("func Read(path string) error {", "Read"),
        ("func (r *Reader) Read(path string) error {", "Read"),
        ("impl<T> Display for Reader<T> {", "Reader"),
        ("    fun `reads a file`() {", "`reads a file`"),
        ("fun String.read(): Int = 3", "read"),
        ("export default function read() {", "read"),
        ("const read = async (path) => {", "read"),
        ("  read: function(path) {", "read"),
        ("void Reader::read(int size) {", "read"),
        ("    public static async Task<int> Read<T>(int size,", "Read"),
        ("    protected function read($path)", "read"),
        ("  it('reads a \"file\"', function() {", 'reads a "file"'),
        ("  test(`reads`, async () => {", "reads"),
        ('t.Run("reads", func(t *testing.T) {', "reads"),
        ('  it "reads" do', "reads"),
        ('TEST_CASE("reads", "[files]") {', "reads"),
        ("TEST_F(Reader, reads) {", "Reader, reads"),
    ],
)
def test_heads(line, name):
    assert header_name(line) == name


@pytest.mark.parametrize(
    "line",
    [
        "",
        "} else {",
        'if (mode == "read") {',
        'if ("read".equals(mode)) {',
        'case "read": {',
        "for path in paths:",
        "    public int Size { get; set; }",
        "read(path)",
        "x = 3",
        "  - name: read",
        'with pytest.raises(ValueError, match="read"):',
    ],
)
def test_other_lines(line):
    assert header_name(line) is None


def test_titles_tell_tests_apart():
    assert header_name("it('opens', () => {") != header_name("it('closes', () => {")
    assert header_name("TEST(File, opens) {") != header_name("TEST(File, closes) {")
