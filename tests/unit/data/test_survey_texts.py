from stimmung.data.surveys.survey_texts import RAW, decoded

WORDS = ["Grüne", "Spaß“", "Café", "Köln", "Ä", "„groß“"]


def found(contents, **how):
    result = decoded([content.decode(RAW) for content in contents], **how)
    return [result(content.decode(RAW)) for content in contents]


def test_texts_are_read_in_the_encoding_that_all_of_them_are_in():
    for encoding in ("utf-8", "cp1252"):
        assert found([word.encode(encoding) for word in WORDS]) == WORDS


def test_a_sharp_s_before_a_quote_in_windows_1252_is_no_letter_of_utf_8():
    assert found(["Spaß“".encode("cp1252"), "Grüne".encode("cp1252")]) == ["Spaß“", "Grüne"]


def test_one_cut_text_beside_one_whole_text_is_cut_utf_8():
    assert found(["Grüne".encode(), "Piratenpä".encode()[:-1]]) == ["Grüne", "Piratenp"]


def test_a_declared_encoding_holds_where_texts_are_not_utf_8_and_utf_8_where_they_are():
    words = ["模型", "非常满意"]
    assert found([word.encode("gb18030") for word in words], declared=lambda: "gb18030") == words
    assert found([word.encode() for word in words], declared=lambda: "gb18030") == words
